"""Qt's enumerations as PythonQt gives them: integers that remember the enumeration they belong to."""

from __future__ import annotations

import enum
import inspect
from typing import Any


class EnumValue(int):
    """One value, or several or-ed together; compares and counts as its number."""

    native: enum.Enum

    @classmethod
    def of(cls, native: enum.Enum) -> EnumValue:
        """The value of a PySide6 enumeration."""
        number = cls(native.value if isinstance(native.value, int) else int(native.value))
        number.native = native
        return number

    def __or__(self, other: int) -> EnumValue:
        return combined_value(self, int(self) | int(other))

    def __and__(self, other: int) -> EnumValue:
        return combined_value(self, int(self) & int(other))

    __ror__ = __or__
    __rand__ = __and__

    def __repr__(self) -> str:
        return f"{type(self.native).__name__}.{self.native.name}"

    __str__ = int.__repr__


def combined_value(like: EnumValue, number: int) -> EnumValue:
    """`number` in the enumeration that `like` belongs to."""
    return EnumValue.of(type(like.native)(number))


class EnumScope:
    """A nested enumeration class: `qt.Qt.AlignmentFlag`."""

    def __init__(self, native: type[enum.Enum]) -> None:
        self._native = native

    def __getattr__(self, name: str) -> EnumValue:
        if name.startswith("_") or name not in self._native.__members__:
            raise AttributeError(f"enumeration {self._native.__name__} has no value '{name}'")
        return EnumValue.of(self._native[name])

    def __call__(self, number: int) -> EnumValue:
        return EnumValue.of(self._native(number))


def is_enum_type(value: Any) -> bool:
    """Returns whether `value` is an enumeration class."""
    return inspect.isclass(value) and issubclass(value, enum.Enum)
