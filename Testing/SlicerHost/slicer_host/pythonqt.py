"""PythonQt's view of Qt, on PySide6.

A `Face` stands for one Qt object. Its attributes are looked up as PythonQtInstanceWrapper_getattro does
(PythonQt/src/PythonQtInstanceWrapper.cpp): Qt properties first, and as values, so that their getters of the same name
cannot be called; then signals and methods, enumeration values, dynamic properties, direct children by object name.
Any other name raises AttributeError, and no new attribute can be set on a C++ object.
"""

from __future__ import annotations

import enum
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import SIGNAL, QObject

from slicer_host.enumerations import EnumScope, EnumValue, combined_value, is_enum_type
from slicer_host.meta_object import class_name, meta_object, property_name, property_names, signal_names, signature_of

_faces: weakref.WeakValueDictionary[int, Face] = weakref.WeakValueDictionary()
_face_classes: dict[type, FaceClass] = {}
_connections: weakref.WeakKeyDictionary[QObject, list[tuple[str, Any, Any]]] = weakref.WeakKeyDictionary()

# Static methods that return one value and leave others in pointer arguments: PySide6 returns all, PythonQt the one.
_POINTER_ARGUMENTS = {
    ("QFileDialog", "getOpenFileName"),
    ("QFileDialog", "getOpenFileNames"),
    ("QFileDialog", "getSaveFileName"),
    ("QInputDialog", "getInt"),
    ("QInputDialog", "getItem"),
    ("QInputDialog", "getText"),
}


class FaceClass(type):
    """The class of a face: constructor, static methods, enumeration values and unbound methods of a Qt class."""

    _native: type

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        native = cls._native
        try:
            value = getattr(native, name)
        except AttributeError:
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'") from None
        if is_enum_type(value):
            return EnumScope(value)
        if isinstance(value, enum.Enum):
            return EnumValue.of(value)
        if inspect.isclass(value):
            return face_class(value)
        if (native.__name__, name) in _POINTER_ARGUMENTS:
            return Method(lambda *args: value(*args)[0])
        if callable(value):
            return Method(value)
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


class Face(metaclass=FaceClass):
    """One Qt object as PythonQt shows it."""

    _native: Any

    def __init__(self, *args: Any) -> None:
        native_class = _shell_class(type(self))
        native = native_class(*(to_qt(argument) for argument in args))
        object.__setattr__(self, "_native", native)
        _remember(native, self)
        if native_class is not type(self)._native:
            native._face = self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_native" not in self.__dict__:
            raise AttributeError(name)
        native = _alive(self)
        is_object = isinstance(native, QObject)
        if is_object:
            known = property_name(native, name)
            if known is not None:
                return to_python(native.property(known))
            if name in signal_names(native):
                return Signal(native, name)
        if not name.startswith("_") and hasattr(type(native), name):
            value = getattr(native, "exec" if name == "exec_" else name)
            if isinstance(value, enum.Enum):
                return EnumValue.of(value)
            if callable(value):
                return Method(value)
        if is_object:
            if name in [bytes(key.data()).decode() for key in native.dynamicPropertyNames()]:
                return to_python(native.property(name))
            for child in native.children():
                if child.objectName() == name:
                    return to_python(child)
        raise AttributeError(f"{class_name(native)} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        native = _alive(self)
        if isinstance(native, QObject):
            known = property_name(native, name)
            if known is not None:
                _write_property(native, known, value)
                return
            if name in [bytes(key.data()).decode() for key in native.dynamicPropertyNames()]:
                native.setProperty(name, to_qt(value))
                return
            if name in signal_names(native):
                raise AttributeError(f"Signal '{name}' can not be overwritten on {class_name(native)} object")
        if type(self)._derived():
            object.__setattr__(self, name, value)
            return
        if not name.startswith("_") and hasattr(type(native), name):
            raise AttributeError(f"Slot '{name}' can not be overwritten on {class_name(native)} object")
        raise AttributeError(
            f"'{name}' does not exist on {class_name(native)}, and new attributes on C++ objects are not allowed"
        )

    @classmethod
    def _derived(cls) -> bool:
        """Returns whether Python code derives from the Qt class."""
        return cls is not _face_classes.get(cls._native)

    def __dir__(self) -> list[str]:
        native = _alive(self)
        return sorted(name for name in {*dir(type(native)), *property_names(native)} if not name.startswith("_"))

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({self._native!r})"

    def __str__(self) -> str:
        return str(self._native)

    def __eq__(self, other: object) -> bool:
        if isinstance(self._native, QObject):
            return self is other
        return bool(isinstance(other, Face) and self._native == other._native)

    def __hash__(self) -> int:
        return id(self) if isinstance(self._native, QObject) else hash(self._native)

    def __bool__(self) -> bool:
        return True

    def className(self) -> str:
        """Name of the C++ class (PythonQtInstanceWrapper_classname)."""
        return class_name(self._native)

    def delete(self) -> None:
        """Deletes the C++ object (PythonQtInstanceWrapper_delete)."""
        shiboken6.delete(self._native)

    def connect(self, signal: str, *target: Any) -> bool:
        """Connects a signal by its signature to a callable, or to another object and its slot or signal."""
        receiver = getattr(target[0], target[1].split("(")[0]) if len(target) == 2 else target[0]
        native = _alive(self)
        _connect(native, signature_of(native, signal), receiver)
        return True

    def disconnect(self, signal: str, *target: Any) -> bool:
        """Undoes `connect`; without a target, all connections of the signal."""
        native = _alive(self)
        signature = signature_of(native, signal)
        receiver = getattr(target[0], target[1].split("(")[0]) if len(target) == 2 else (target or (None,))[0]
        return _disconnect(native, signature, receiver)


class Method:
    """A method of a Qt object. PythonQt takes positional arguments alone."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.native = function

    def __call__(self, *args: Any) -> Any:
        return to_python(self.native(*(to_qt(argument) for argument in args)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self.native == other.native

    def __hash__(self) -> int:
        return hash(self.native)


class Signal:
    """A signal of one object: connect, disconnect, and emit by calling."""

    def __init__(self, native: QObject, name: str) -> None:
        self.sender = native
        self.name = name

    def connect(self, target: Any) -> bool:
        """Calls `target` with as many of the signal's arguments as it takes."""
        _connect(self.sender, self.name, target)
        return True

    def disconnect(self, target: Any = None) -> bool:
        """Undoes `connect`."""
        return _disconnect(self.sender, self.name, target)

    def emit(self, *args: Any) -> None:
        """Emits the signal."""
        getattr(self.sender, self.name).emit(*(to_qt(argument) for argument in args))

    __call__ = emit


def face_class(native: type) -> FaceClass:
    """The face of a Qt class; the bases of a face are the faces of the Qt class's bases."""
    if native not in _face_classes:
        bases = tuple(face_class(base) for base in native.__bases__ if base.__module__.split(".")[0] in _QT_PACKAGES)
        _face_classes[native] = FaceClass(class_name(native), bases or (Face,), {"_native": native})
    return _face_classes[native]


_QT_PACKAGES = {"PySide6", "shiboken6", "Shiboken", "slicer_host"}


def to_python(value: Any) -> Any:
    """Returns what PythonQt gives to Python for a value that comes from Qt; each list becomes a tuple."""
    if isinstance(value, enum.Enum):
        return EnumValue.of(value)
    if isinstance(value, list | tuple):  # QStringListToPyObject, ConvertQListOfPointerTypeToPythonList
        return tuple(to_python(item) for item in value)
    if isinstance(value, dict):
        return {key: to_python(item) for key, item in value.items()}
    if isinstance(value, QObject) or type(value).__module__.startswith("PySide6."):
        return _face_of(value)
    return value


def to_qt(value: Any) -> Any:
    """Returns the value that PySide6 takes for a value from Python."""
    if isinstance(value, Face):
        return _alive(value)
    if isinstance(value, FaceClass):
        return value._native
    if isinstance(value, EnumValue):
        return value.native
    if isinstance(value, Method):
        return value.native
    if isinstance(value, list | tuple):
        return type(value)(to_qt(item) for item in value)
    if isinstance(value, dict):
        return {key: to_qt(item) for key, item in value.items()}
    return value


def _alive(face: Face) -> Any:
    native = face.__dict__.get("_native")
    if native is None or not shiboken6.isValid(native):
        raise ValueError(f"Trying to use a destroyed {type(face).__name__} object")
    return native


def _face_of(native: Any) -> Face:
    shell_face = getattr(native, "_face", None)
    if isinstance(shell_face, Face):
        return shell_face
    key = shiboken6.getCppPointer(native)[0] if shiboken6.isValid(native) else 0
    known = _faces.get(key)
    if known is not None and known._native is native:
        return known
    cls = face_class(type(native))
    face = cls.__new__(cls)
    object.__setattr__(face, "_native", native)
    _remember(native, face)
    return face


def _remember(native: Any, face: Face) -> None:
    _faces[shiboken6.getCppPointer(native)[0]] = face


def _shell_class(cls: FaceClass) -> type:
    """The Qt class to instantiate: for a Python subclass, one that hands its overridden virtual methods to the face."""
    if not cls._derived():  # type: ignore[attr-defined]
        return cls._native
    if "_shell" not in cls.__dict__:
        overridden = {
            name: _forwarding(name)
            for base in cls.__mro__[: cls.__mro__.index(_face_classes[cls._native])]
            for name, value in vars(base).items()
            if inspect.isfunction(value) and not name.startswith("_") and hasattr(cls._native, name)
        }
        type.__setattr__(cls, "_shell", type(cls.__name__, (cls._native,), overridden))
    return cls.__dict__["_shell"]


def _forwarding(name: str) -> Callable[..., Any]:
    def forward(native: Any, *args: Any) -> Any:
        return to_qt(getattr(native._face, name)(*(to_python(argument) for argument in args)))

    return forward


def _write_property(native: QObject, name: str, value: Any) -> None:
    meta = meta_object(native)
    described = meta.property(meta.indexOfProperty(name))
    if not described.isWritable():
        raise AttributeError(f"Property '{name}' of {class_name(native)} object is not writable")
    is_pointer = described.typeName().endswith("*") or described.typeName() == "PyObject"
    plain = _plain(value)
    if (value is None and not is_pointer) or not native.setProperty(name, plain):
        raise AttributeError(
            f"Property '{name}' of type '{described.typeName()}' does not accept an object of type "
            f"{type(value).__name__} ({value!r})"
        )


def _plain(value: Any) -> Any:
    """A property's new value as QVariant takes it: enumerations of Qt and VTK as numbers, tuples as lists."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return to_qt(list(value) if isinstance(value, tuple) else value)


def _receiver(target: Any) -> Any:
    """Returns a function that calls `target` with as many arguments as it takes (PythonQtSignalTarget::call)."""
    if isinstance(target, Method):
        return target.native
    if isinstance(target, Signal):
        return getattr(target.sender, target.name)
    if not callable(target):
        raise TypeError(f"a signal needs a callable, not {target!r}")
    count = _argument_count(target)

    def deliver(*args: Any) -> None:
        target(*(to_python(argument) for argument in args[:count]))

    return deliver


def _argument_count(target: Any) -> int | None:
    function = target.__func__ if inspect.ismethod(target) else target
    if not inspect.isfunction(function) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - (1 if inspect.ismethod(target) else 0)


def _bound_signal(native: QObject, signal: str) -> Any:
    return getattr(native, signal.split("(")[0])


def _connect(native: QObject, signal: str, target: Any) -> None:
    receiver = _receiver(target)
    if "(" in signal and "PyObject" not in signal:
        connected = QObject.connect(native, SIGNAL(signal), receiver)
    else:
        connected = _bound_signal(native, signal).connect(receiver)
    if not connected:
        raise RuntimeError(f"could not connect {signal} of {native!r}")
    _connections.setdefault(native, []).append((signal.split("(")[0], target, (connected, receiver)))


def _disconnect(native: QObject, signal: str, target: Any) -> bool:
    name = signal.split("(")[0]
    known = _connections.get(native, [])
    ended = [entry for entry in known if entry[0] == name and (target is None or entry[1] == target)]
    for entry in ended:
        known.remove(entry)
        QObject.disconnect(entry[2][0])
    return bool(ended)


__all__ = ["EnumValue", "Face", "FaceClass", "Method", "Signal", "combined_value", "face_class", "to_python", "to_qt"]
