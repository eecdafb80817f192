"""Which widget can show which parameter (Slicer/Base/Python/slicer/parameterNodeWrapper/guiConnectors.py)."""

from __future__ import annotations

import enum
import pathlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from slicer_host.parameter_types import WithinRange, first_annotation, is_node_type, split_annotations

_UNBOUNDED_INT = 2**31


class Connector(ABC):
    """One widget and one parameter."""

    signal = ""

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self._callback: Callable[[], None] | None = None

    def connect(self, callback: Callable[[], None]) -> None:
        """Calls back when the widget's value changes."""
        self._callback = callback
        if self.signal:
            getattr(self.widget, self.signal).connect(callback)

    def disconnect(self) -> None:
        """Calls back no more."""
        if self._callback is not None and self.signal:
            getattr(self.widget, self.signal).disconnect(self._callback)
        self._callback = None

    @abstractmethod
    def read(self) -> Any:
        """The widget's value."""

    @abstractmethod
    def write(self, value: Any) -> None:
        """Shows a value."""


class PropertyConnector(Connector):
    """A widget whose value is a property. Slicer sets it at each event of the node, whether it changed or not."""

    def __init__(
        self, widget: Any, name: str, signal: str, convert: Callable[[Any], Any] = lambda value: value
    ) -> None:
        super().__init__(widget)
        self._name, self.signal, self._convert = name, signal, convert

    def read(self) -> Any:
        return self._convert(getattr(self.widget, self._name))

    def write(self, value: Any) -> None:
        setattr(self.widget, self._name, str(value) if isinstance(value, pathlib.PurePath) else value)


class LineEditConnector(PropertyConnector):
    """A QLineEdit: the only connector of Slicer that leaves equal text alone, to keep the cursor where it is."""

    def write(self, value: Any) -> None:
        if value != self.widget.text:
            self.widget.text = value


class ChoiceConnector(Connector):
    """A combo box that lists the values a parameter may have."""

    signal = "currentIndexChanged"

    def __init__(self, widget: Any, labelled: list[tuple[str, Any]]) -> None:
        super().__init__(widget)
        self._values = [value for _, value in labelled]
        widget.clear()
        for label, _ in labelled:
            widget.addItem(label)

    def read(self) -> Any:
        return self._values[self.widget.currentIndex]

    def write(self, value: Any) -> None:
        if value not in self._values:
            raise ValueError(f"Unable to find value {value} in choices {self._values}")
        self.widget.currentIndex = self._values.index(value)


class NodeConnector(Connector):
    """A node combo box."""

    signal = "currentNodeChanged"

    def __init__(self, widget: Any, node_type: Any) -> None:
        super().__init__(widget)
        widget.nodeTypes = (node_type().GetClassName(),)

    def read(self) -> Any:
        return self.widget.currentNode()

    def write(self, value: Any) -> None:
        self.widget.setCurrentNode(value)


def connector_for(widget: Any, annotated: Any) -> Connector:
    """The connector of a widget and a type; RuntimeError where Slicer has none."""
    bare, annotations = split_annotations(annotated)
    kind = type(widget).__name__
    if bare is bool and kind == "QCheckBox":
        return PropertyConnector(widget, "checked", "stateChanged")
    if bare is int and kind in ("QSlider", "QSpinBox"):
        _limit_integers(widget, annotations)
        return PropertyConnector(widget, "value", "valueChanged")
    if bare in (int, float) and kind in ("QDoubleSpinBox", "ctkSliderWidget"):
        _limit_numbers(widget, bare, annotations)
        return PropertyConnector(widget, "value", "valueChanged", int if bare is int else float)
    if isinstance(bare, type) and issubclass(bare, enum.Enum) and kind == "QComboBox":
        label = getattr(bare, "label", lambda value: value.name)
        return ChoiceConnector(widget, [(label(value), value) for value in bare])
    if bare is str and kind == "QLineEdit":
        return LineEditConnector(widget, "text", "textChanged")
    if isinstance(bare, type) and issubclass(bare, pathlib.PurePath) and kind == "ctkPathLineEdit":
        return PropertyConnector(widget, "currentPath", "currentPathChanged", bare)
    if is_node_type(bare) and kind == "qMRMLNodeComboBox":
        return NodeConnector(widget, bare)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{annotated}' to widget type '{kind}'.")


def _bounds(annotations: tuple[Any, ...]) -> tuple[float, float] | None:
    within = first_annotation(annotations, WithinRange)
    return (within.minimum, within.maximum) if within is not None else None


def _limit_integers(widget: Any, annotations: tuple[Any, ...]) -> None:
    low, high = _bounds(annotations) or (-_UNBOUNDED_INT, _UNBOUNDED_INT - 1)
    widget.setRange(low, high)


def _limit_numbers(widget: Any, bare: type, annotations: tuple[Any, ...]) -> None:
    bounds = _bounds(annotations)
    if type(widget).__name__ == "ctkSliderWidget" and bounds is None:
        raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
    if bare is int:
        widget.decimals = 0
    low, high = bounds or (float("-inf"), float("inf"))
    widget.minimum, widget.maximum = float(low), float(high)
