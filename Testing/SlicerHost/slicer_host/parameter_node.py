"""slicer.parameterNodeWrapper: typed access to a vtkMRMLScriptedModuleNode, tied to widgets
(Slicer/Base/Python/slicer/parameterNodeWrapper/wrapper.py)."""

from __future__ import annotations

import weakref
from typing import Any, get_type_hints

import slicer
import vtk

from slicer_host.parameter_gui import Connector, connector_for
from slicer_host.parameter_types import Default, first_annotation, split_annotations, stored

_PROPERTY = "SlicerParameterName"


class _Parameter:
    """One parameter: its type, how it is kept, its default."""

    def __init__(self, owner: type, name: str, annotated: Any) -> None:
        self.name = name
        self.annotated = annotated
        self.stored = stored(annotated)
        default = first_annotation(split_annotations(annotated)[1], Default)
        if name in vars(owner):
            default = Default(vars(owner)[name])
        self.default = default or Default(self.stored.initial())


class ParameterNodeWrapper:
    """The members that the decorator adds to the class."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._cache: dict[str, Any] = {}
        self._guis: dict[int, tuple[dict[str, Connector], int]] = {}
        self._next_tag = 0
        self._updating = False
        for name, parameter in self.allParameters.items():
            if not parameterNode.HasParameter(name):
                parameter.stored.write(parameterNode, name, parameter.default.value)
        for name in self.allParameters:
            self._follow(name)

    def _follow(self, name: str) -> None:
        """Keeps a parameter's value as the node has it.

        Slicer, too, observes the node once for each parameter. VTK calls the first observer last: when undo changes the
        first parameter, its widget learns of it only at the next change.
        """
        self._read(name)
        me = weakref.ref(self)
        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: _tell(me, name))
        weakref.finalize(self, self.parameterNode.RemoveObserver, tag)

    def _read(self, name: str) -> None:
        self._cache[name] = self.allParameters[name].stored.read(self.parameterNode, name)

    def _parameter(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}; found {list(self.allParameters)}")
        return self.allParameters[name]

    def default(self, name: str) -> Default:
        """Returns the default of a parameter; the parameter starts with its `value`."""
        return self._parameter(name).default

    def getValue(self, name: str) -> Any:
        """Value of a parameter."""
        self._parameter(name)
        return self._cache[name]

    def setValue(self, name: str, value: Any) -> None:
        """Validates and keeps the value of a parameter."""
        parameter = self._parameter(name)
        with slicer.util.NodeModify(self.parameterNode):
            parameter.stored.write(self.parameterNode, name, value)
            self._read(name)

    def connectGui(self, gui: Any) -> int:
        """Ties each widget that has the property SlicerParameterName to its parameter; gives a tag to undo it."""
        qt = __import__("qt")
        is_widget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if is_widget else vars(gui).values()
        named = {widget.property(_PROPERTY): widget for widget in widgets if widget.property(_PROPERTY)}
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Ties parameters, by name, to widgets; gives a tag to undo it."""
        connectors = {name: connector_for(widget, self._parameter(name).annotated) for name, widget in mapping.items()}
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.connect(self._gui_changed(name, connector))
        tag = self._next_tag
        self._next_tag += 1
        observer = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        self._guis[tag] = (connectors, observer)
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Undoes `connectGui`; a tag that is not connected is no error."""
        connectors, observer = self._guis.pop(tag, ({}, 0))
        for connector in connectors.values():
            connector.disconnect()
        if observer:
            self.parameterNode.RemoveObserver(observer)

    def _gui_changed(self, name: str, connector: Connector) -> Any:
        def write() -> None:
            if not self._updating:
                self.setValue(name, connector.read())

        return write

    def _update_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self.parameterNode):
                for connectors, _ in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> int:
        """Holds back the node's events."""
        return int(self.parameterNode.StartModify())

    def EndModify(self, was_modifying: int) -> int:
        """Lets the node's events go."""
        return int(self.parameterNode.EndModify(was_modifying))

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        """Observes the node."""
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        """Undoes `AddObserver`."""
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        """Tells the node's observers."""
        self.parameterNode.Modified()


def _tell(me: weakref.ref[ParameterNodeWrapper], name: str) -> None:
    wrapper = me()
    if wrapper is not None:
        wrapper._read(name)


def _property(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator: each annotated member becomes a parameter of the wrapped node."""
    if cls is None:
        return parameterNodeWrapper
    hints = get_type_hints(cls, include_extras=True)
    reserved = [name for name in hints if hasattr(ParameterNodeWrapper, name)]
    if reserved:
        raise ValueError(f"Cannot use reserved name '{reserved[0]}' in a parameterNodeWrapper")
    parameters = {name: _Parameter(cls, name, annotated) for name, annotated in hints.items()}
    own = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    members = own | {name: _property(name) for name in parameters} | {"allParameters": parameters}
    return type(cls.__name__, (ParameterNodeWrapper, *cls.__bases__), members)


def isParameterNodeWrapper(cls_or_object: Any) -> bool:
    """Returns whether the decorator made this class, or the class of this object."""
    cls = cls_or_object if isinstance(cls_or_object, type) else type(cls_or_object)
    return issubclass(cls, ParameterNodeWrapper)
