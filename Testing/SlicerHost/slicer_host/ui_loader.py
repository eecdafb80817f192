"""A QUiLoader that knows Slicer's widgets, and refuses names that Qt would silently ignore."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from PySide6 import QtWidgets
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader

from slicer_host.pythonqt import to_python
from slicer_host.widgets import CTK, SLICER

custom_widgets = {cls.__name__: cls for cls in (*CTK, *SLICER) if issubclass(cls, QtWidgets.QWidget)}


class UiLoader(QUiLoader):
    """Loads a .ui file; an unknown class, property, signal or slot in it is an error."""

    def load(self, device: QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        """Builds the widgets, then makes the file's connections."""
        tree = ElementTree.fromstring(bytes(device.readAll().data()))
        for element in tree.iter("widget"):
            _check(element)
        flags = [flag for element in tree.iter("widget") for flag in _taken_flags(element)]
        connections = tree.find("connections")
        if connections is not None:
            tree.remove(connections)
        for cls in custom_widgets.values():
            self.registerCustomWidget(cls)
        buffer = QBuffer()
        buffer.setData(QByteArray(ElementTree.tostring(tree)))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise RuntimeError(f"the .ui file cannot be built: {self.errorString()}")
        for name, property_name, value in flags:
            _named(widget, name)._native.setProperty(property_name, value)
        for connection in connections if connections is not None else ():
            _connect(widget, connection)
        return widget


# QFormBuilder sets these itself; they are no Qt properties.
_HANDLED_BY_LOADER = {"buddy"}


def _check(element: ElementTree.Element) -> None:
    name = element.get("class", "")
    cls = custom_widgets.get(name) or getattr(QtWidgets, name, None)
    if cls is None:
        raise RuntimeError(f"the .ui file names a class that Slicer does not have, or this host does not offer: {name}")
    meta = cls.staticMetaObject
    for item in element.findall("property"):
        known = item.get("stdset") == "0" or item.get("name") in _HANDLED_BY_LOADER
        if not known and meta.indexOfProperty(item.get("name")) < 0:
            raise RuntimeError(f"{name} '{element.get('name')}' has no property '{item.get('name')}'")


def _taken_flags(element: ElementTree.Element) -> list[tuple[str, str, int]]:
    """Takes the flag properties of a host's widget out of the file: Qt cannot read enumerations of a Python class."""
    cls = custom_widgets.get(element.get("class", ""))
    taken = []
    for item in element.findall("property") if cls is not None else []:
        flags = item.findtext("set")
        if flags is not None and hasattr(cls, flags.split("|")[0].split("::")[-1]):
            values = (getattr(cls, flag.split("::")[-1]) for flag in flags.split("|"))
            taken.append((element.get("name", ""), item.get("name", ""), sum(set(values))))
            element.remove(item)
    return taken


def _connect(root: QtWidgets.QWidget, connection: ElementTree.Element) -> None:
    text = {item.tag: item.text or "" for item in connection}
    sender, receiver = (_named(root, text[role]) for role in ("sender", "receiver"))
    sender.connect(text["signal"], receiver, text["slot"])


def _named(root: QtWidgets.QWidget, name: str) -> Any:
    found = root if root.objectName() == name else root.findChild(QObject, name)
    if found is None:
        raise RuntimeError(f"the .ui file names '{name}', which it does not have")
    return to_python(found)
