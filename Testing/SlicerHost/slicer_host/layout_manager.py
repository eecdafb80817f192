"""slicer.app.layoutManager() (Slicer/Libs/MRML/Widgets/qMRMLLayoutManager.h): the views that the layout node asks for.

vtkMRMLLayoutLogic, which is real, makes the view nodes; here their widgets are made and arranged as the XML says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from xml.etree import ElementTree

import slicer
import vtk
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QBoxLayout, QSplitter, QVBoxLayout, QWidget

from slicer_host.plot_widget import qMRMLPlotWidget
from slicer_host.properties import computed
from slicer_host.slice_widget import qMRMLSliceWidget
from slicer_host.table_view import qMRMLTableWidget
from slicer_host.threed_widget import qMRMLThreeDWidget
from slicer_host.view_canvas import ViewCanvas


class qSlicerLayoutManager(QObject):
    """Keeps one widget for each view node, and shows those of the current layout."""

    layoutChanged = Signal(int)

    def __init__(self, viewport: QWidget, scene: Any, application_logic: Any) -> None:
        super().__init__(viewport)
        self._viewport = viewport
        self._scene = scene
        self._application_logic = application_logic
        self._column = QVBoxLayout(viewport)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._root: QWidget | None = None
        self._widgets: dict[str, QWidget] = {}
        self._shown = (-1, "")
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.GetLayoutNode()
        self._node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._node_changed)

    layout = computed(int, lambda self: self._node.GetViewArrangement(), lambda self, value: self.setLayout(value))
    tableViewCount = computed(int, lambda self: len(self._shown_widgets(qMRMLTableWidget)))
    plotViewCount = computed(int, lambda self: len(self._shown_widgets(qMRMLPlotWidget)))

    @Slot(int)
    def setLayout(self, layout: int) -> None:
        if not self._node.IsLayoutDescription(layout):
            raise ValueError(f"there is no layout {layout}")
        self._node.SetViewArrangement(layout)

    def layoutLogic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return self._scene

    def mrmlSliceLogics(self) -> Any:
        return self._application_logic.GetSliceLogics()

    def sliceViewNames(self) -> list[str]:
        return [node.GetLayoutName() for node, _ in self._views("vtkMRMLSliceNode")]

    def sliceWidget(self, name: str) -> QWidget | None:
        return next((view for node, view in self._views("vtkMRMLSliceNode") if node.GetLayoutName() == name), None)

    def plotWidget(self, index: int) -> QWidget | None:
        return next((view for _, view in islice(self._views("vtkMRMLPlotViewNode"), index, None)), None)

    @Slot()
    def resetThreeDViews(self) -> None:
        for widget in self._shown_widgets(qMRMLThreeDWidget):
            widget.threeDView().resetCamera()

    def _views(self, class_name: str) -> Iterator[tuple[Any, QWidget]]:
        """Gives each view node of a class that has a widget, with that widget."""
        for index in range(self._scene.GetNumberOfNodesByClass(class_name)):
            node = self._scene.GetNthNodeByClass(index, class_name)
            if node.GetID() in self._widgets:
                yield node, self._widgets[node.GetID()]

    def _shown_widgets(self, cls: type) -> list[Any]:
        return self._viewport.findChildren(cls)

    def _node_changed(self, *_: object) -> None:
        wanted = (self._node.GetViewArrangement(), self._node.GetCurrentLayoutDescription() or "")
        if wanted == self._shown or not wanted[1]:
            return
        self._shown = wanted
        for widget in self._widgets.values():
            widget.setParent(None)
        if self._root is not None:
            self._column.removeWidget(self._root)
            self._root.deleteLater()
        self._root = self._built(ElementTree.fromstring(wanted[1]))
        self._column.addWidget(self._root)
        self._root.show()
        self.layoutChanged.emit(wanted[0])

    def _built(self, element: ElementTree.Element) -> QWidget:
        if element.tag == "view":
            return self._view(element)
        kind = element.get("type", "")
        items = element.findall("item")
        children = [self._built(item[0]) for item in items]
        if kind not in ("horizontal", "vertical") or any(item.get("multiple") == "true" for item in items):
            raise ValueError(f"this host arranges neither compare views nor a layout of type '{kind}'")
        if element.get("split") == "true":
            return _splitter(kind, items, children)
        return _box(kind, children)

    def _view(self, element: ElementTree.Element) -> QWidget:
        class_name, tag = element.get("class", ""), element.get("singletontag", "")
        node = self._scene.GetSingletonNode(tag, class_name)
        if node is None:
            raise RuntimeError(f"the layout logic made no {class_name} '{tag}'")
        if node.GetID() not in self._widgets:
            self._widgets[node.GetID()] = self._new_widget(node)
        widget = self._widgets[node.GetID()]
        widget.setVisible(True)
        return widget

    def _new_widget(self, node: Any) -> QWidget:
        if node.IsA("vtkMRMLSliceNode"):
            widget = qMRMLSliceWidget()
            widget._show_logic(self._slice_logic(node))
            return widget
        kinds = {
            "vtkMRMLViewNode": qMRMLThreeDWidget,
            "vtkMRMLPlotViewNode": qMRMLPlotWidget,
            "vtkMRMLTableViewNode": qMRMLTableWidget,
        }
        widget = kinds[node.GetClassName()]()
        widget._show_node(node)
        return widget

    def _slice_logic(self, node: Any) -> Any:
        logic = self._application_logic.GetSliceLogic(node)
        if logic is None:
            logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self._application_logic)
            logic.SetMRMLScene(self._scene)
            logic.SetSliceNode(node)
            self._application_logic.GetSliceLogics().AddItem(logic)
        return logic

    def _close(self) -> None:
        self._node.RemoveAllObservers()
        for widget in self._widgets.values():
            if isinstance(widget._view, ViewCanvas):
                widget._view._finalize()


def _splitter(kind: str, items: list[ElementTree.Element], children: list[QWidget]) -> QWidget:
    splitter = QSplitter(Qt.Orientation.Horizontal if kind == "horizontal" else Qt.Orientation.Vertical)
    for child in children:
        splitter.addWidget(child)
    sizes = [int(item.get("splitSize", 0)) for item in items]
    splitter.setSizes(sizes if any(sizes) else [1000] * len(children))
    return splitter


def _box(kind: str, children: list[QWidget]) -> QWidget:
    widget = QWidget()
    across = kind == "horizontal"
    box = QBoxLayout(QBoxLayout.Direction.LeftToRight if across else QBoxLayout.Direction.TopToBottom, widget)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(2)
    for child in children:
        box.addWidget(child, 1)
    return widget
