"""Shorthands that define a Qt property in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Property


def stored(type_name: Any, default: Any, changed: str = "") -> Property:
    """A property that keeps its value and calls the method named `changed` when it has a new one."""
    key = f"_stored_{id(object())}_{len(_keys)}"
    _keys.append(key)

    def read(self: Any) -> Any:
        return self.__dict__.get(key, default)

    def write(self: Any, value: Any) -> None:
        if value != read(self):
            self.__dict__[key] = value
            if changed:
                getattr(self, changed)()

    return Property(type_name, read, write)


_keys: list[str] = []


def delegated(type_name: Any, part: str, getter: str, setter: str) -> Property:
    """A property that belongs to a part of the widget: the attribute `part` of it."""

    def read(self: Any) -> Any:
        return getattr(getattr(self, part), getter)()

    def write(self: Any, value: Any) -> None:
        getattr(getattr(self, part), setter)(value)

    return Property(type_name, read, write)


def computed(type_name: Any, read: Callable[[Any], Any], write: Callable[[Any, Any], None] | None = None) -> Property:
    """A property of two functions."""
    return Property(type_name, read, write) if write else Property(type_name, read)
