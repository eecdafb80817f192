"""qMRMLTableView and qMRMLTableWidget (Slicer/Libs/MRML/Widgets/qMRMLTableView.h, qMRMLTableModel.h)."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Slot
from PySide6.QtWidgets import QTableView, QWidget

from slicer_host.observers import Observers
from slicer_host.view_widget import ViewWidget


class TableModel(QAbstractTableModel):
    """The cells of a vtkMRMLTableNode."""

    def __init__(self, view: qMRMLTableView) -> None:
        super().__init__(view)
        self._view = view

    def _table(self) -> Any:
        node = self._view.mrmlTableNode()
        return node.GetTable() if node is not None else None

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return int(self._table().GetNumberOfRows()) if self._table() is not None and not parent.isValid() else 0

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return int(self._table().GetNumberOfColumns()) if self._table() is not None and not parent.isValid() else 0

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return None
        return str(self._table().GetValue(index.row(), index.column()).ToString())

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        return bool(self._view.mrmlTableNode().SetCellText(index.row(), index.column(), str(value)))

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        node = self._view.mrmlTableNode()
        editable = Qt.ItemFlag.NoItemFlags if node.GetLocked() else Qt.ItemFlag.ItemIsEditable
        return super().flags(index) | editable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole or self._table() is None:
            return None
        named = (
            orientation == Qt.Orientation.Horizontal and self._view.mrmlTableNode().GetUseColumnTitleAsColumnHeader()
        )
        if orientation == Qt.Orientation.Horizontal:
            name = self._table().GetColumnName(section) or ""
            title = self._view.mrmlTableNode().GetColumnTitle(name) if named else ""
            return title or name
        return str(section + 1)


class qMRMLTableView(QTableView):
    """Shows a table node, and follows it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._view_node: Any = None
        self._observers = Observers(self)
        self._cells = TableModel(self)
        self.setModel(self._cells)
        self.setAlternatingRowColors(True)

    @Slot("QVariant")
    def setMRMLScene(self, _: Any) -> None:
        """The table node brings its scene."""

    @Slot("QVariant")
    def setMRMLTableNode(self, node: Any) -> None:
        self._observers.clear()
        self._node = node
        if node is not None:
            self._observers.add(node, vtk.vtkCommand.ModifiedEvent, self._node_changed)
        self._node_changed()

    def _node_changed(self, *_: object) -> None:
        self._cells.beginResetModel()
        self._cells.endResetModel()
        self.resizeColumnsToContents()

    def _show_node(self, view_node: Any) -> None:
        self._view_node = view_node
        view_node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._view_node_changed)
        self._view_node_changed()

    def _view_node_changed(self, *_: object) -> None:
        self.setMRMLTableNode(self._view_node.GetTableNode())

    def mrmlTableNode(self) -> Any:
        return self._node


class qMRMLTableWidget(ViewWidget):
    """A table view under its controller bar."""

    _view_class = qMRMLTableView
