"""Names of Qt's meta-objects: classes, properties and signals."""

from __future__ import annotations

import inspect
from typing import Any

from PySide6.QtCore import QMetaMethod, QMetaObject, QObject


def class_name(native: Any) -> str:
    """Returns the name of a class, or of the class of an object."""
    cls = native if inspect.isclass(native) else type(native)
    return getattr(cls, "__name__", str(cls))


def meta_object(native: QObject) -> QMetaObject:
    """Returns the meta-object of the class.

    PySide6 deletes what `native.metaObject()` returns together with `native`, although all objects share it.
    """
    meta: QMetaObject = type(native).staticMetaObject
    return meta


def property_names(native: Any) -> list[str]:
    """Returns the names of the Qt properties; of a value that is no QObject, none."""
    if not isinstance(native, QObject):
        return []
    meta = meta_object(native)
    return [meta.property(index).name() for index in range(meta.propertyCount())]


def property_name(native: QObject, name: str) -> str | None:
    """Returns the property that Python reaches by a name, or None; PythonQt calls `objectName` also `name`."""
    if meta_object(native).indexOfProperty(name) >= 0:
        return name
    return "objectName" if name == "name" else None


def signatures(native: QObject) -> list[str]:
    """Returns the signatures of the signals, such as `clicked(bool)`."""
    meta = meta_object(native)
    methods = (meta.method(index) for index in range(meta.methodCount()))
    return [
        bytes(method.methodSignature().data()).decode()
        for method in methods
        if method.methodType() == QMetaMethod.MethodType.Signal
    ]


def signal_names(native: QObject) -> set[str]:
    """Returns the names of the signals."""
    return {signature.split("(")[0] for signature in signatures(native)}


def signature_of(native: QObject, signal: str) -> str:
    """Returns the signature of a signal as the meta-object spells it.

    A signal that the host declares in Python carries `PyObject` where Slicer's has a pointer to a VTK object.

    Raises:
        AttributeError: If the object has no such signal.
    """
    name, _, wanted = signal.replace(" ", "").removesuffix(")").partition("(")
    wanted_types = [_normal_type(part) for part in wanted.split(",") if part]
    for signature in signatures(native):
        own_name, _, types = signature.removesuffix(")").partition("(")
        own_types = [part for part in types.split(",") if part]
        if own_name == name and len(own_types) == len(wanted_types):
            pairs = zip(own_types, wanted_types, strict=True)
            if all(own == want or (own == "PyObject" and want.endswith("*")) for own, want in pairs):
                return signature
    raise AttributeError(f"{class_name(native)} has no signal '{signal}'; it has {signatures(native)}")


def _normal_type(name: str) -> str:
    return name.removeprefix("const").removesuffix("&")
