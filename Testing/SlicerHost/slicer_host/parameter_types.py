"""Types and annotations of parameters (Slicer/Base/Python/slicer/parameterNodeWrapper: serializers, validators)."""

from __future__ import annotations

import enum
import pathlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import slicer


class Default:
    """Default value of a parameter, or a function that makes it."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value = value
        self._generator = generator

    @property
    def value(self) -> Any:
        """The default."""
        return self._generator() if self._generator else self._value


class Validator(ABC):
    """A condition on the value of a parameter."""

    @abstractmethod
    def validate(self, value: Any) -> None:
        """Raises ValueError for a value that is not allowed."""


@dataclass(frozen=True)
class WithinRange(Validator):
    """Between two numbers, both allowed."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum or value > self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


def split_annotations(annotated: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type, and its annotations."""
    bare, *annotations = get_args(Annotated[annotated, None])
    return bare, tuple(annotations[:-1])


def first_annotation(annotations: Sequence[Any], kind: type) -> Any:
    """The first annotation of a kind, or none."""
    return next((annotation for annotation in annotations if isinstance(annotation, kind)), None)


def is_node_type(bare: Any) -> bool:
    """Returns whether a parameter of this type refers to a node."""
    return isinstance(bare, type) and issubclass(bare, slicer.vtkMRMLNode)


@dataclass(frozen=True)
class Stored:
    """How a parameter of one type is kept in a parameter node: as text, or as a reference to a node."""

    bare: Any
    validators: tuple[Validator, ...]

    def initial(self) -> Any:
        """The value of a parameter without a default."""
        if is_node_type(self.bare):
            return None
        return next(iter(self.bare)) if issubclass(self.bare, enum.Enum) else self.bare()

    def validate(self, value: Any) -> None:
        """Raises TypeError or ValueError for a value that may not be written."""
        if value is None and not is_node_type(self.bare):
            raise ValueError("Value must not be None")
        wanted = (int, float) if self.bare is float else self.bare
        if value is not None and not isinstance(value, wanted):
            raise TypeError(f"Value must be of type '{wanted}', is type '{type(value)}' value '{value}'")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node: Any, name: str, value: Any) -> None:
        """Validates a value and keeps it."""
        self.validate(value)
        if is_node_type(self.bare):
            node.SetParameter(name, "")
            node.SetNodeReferenceID(name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(name, value.name if isinstance(value, enum.Enum) else str(value))

    def read(self, node: Any, name: str) -> Any:
        """The value that is kept."""
        if is_node_type(self.bare):
            return node.GetNodeReference(name)
        text = node.GetParameter(name)
        if self.bare is bool:
            return text == "True"
        return self.bare[text] if issubclass(self.bare, enum.Enum) else self.bare(text)


def stored(annotated: Any) -> Stored:
    """How a parameter with this (annotated) type is kept; TypeError for a type that this host does not offer."""
    bare, annotations = split_annotations(annotated)
    paths = (pathlib.Path, pathlib.PurePath)
    simple = isinstance(bare, type) and (issubclass(bare, enum.Enum) or bare in (int, float, str, bool, *paths))
    if not simple and not is_node_type(bare):
        raise TypeError(f"this host keeps no parameter of type {bare}")
    return Stored(bare, tuple(annotation for annotation in annotations if isinstance(annotation, Validator)))
