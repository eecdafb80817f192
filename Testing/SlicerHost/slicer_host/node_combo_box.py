"""qMRMLNodeComboBox (Slicer/Libs/MRML/Widgets/qMRMLNodeComboBox.h): chooses, makes, renames and deletes a node."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QLineEdit, QSizePolicy, QWidget

from slicer_host.mrml_widget import SceneWidget
from slicer_host.observers import Observers
from slicer_host.properties import computed, stored

_ACTION = Qt.ItemDataRole.UserRole + 1


class qMRMLNodeComboBox(SceneWidget):
    """Lists the scene's nodes of the given types, and below them the actions on the chosen node."""

    currentNodeChanged = Signal((object,), (bool,))

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QComboBox(self)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._box.activated.connect(self._activated)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._current_id = ""
        self._count = 0
        self._listed: list[str] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._base_names: dict[str, str] = {}
        self._scene_observers = Observers(self)
        self._node_observers = Observers(self)
        self.setEnabled(False)

    nodeTypes = stored("QStringList", [], "_refresh")
    hideChildNodeTypes = stored("QStringList", [], "_refresh")
    noneEnabled = stored(bool, False, "_refresh")
    noneDisplay = stored(str, "None", "_refresh")
    addEnabled = stored(bool, True, "_refresh")
    removeEnabled = stored(bool, True, "_refresh")
    renameEnabled = stored(bool, False, "_refresh")
    baseName = computed(
        str,
        lambda self: self._base_names.get((self.nodeTypes or [""])[0], ""),
        lambda self, name: self._base_names.update(dict.fromkeys(self.nodeTypes, name)),
    )

    @Slot(object)
    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    @Slot(str)
    def setCurrentNodeID(self, node_id: str | None) -> None:
        known = {node.GetID() for node in self._nodes()}
        self._select(node_id if node_id in known else "")

    def mrmlScene(self) -> Any:
        return self._scene

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def nodeCount(self) -> int:
        return len(self._nodes())

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, None if value is None else str(value)))
        self._refresh()

    def nodeTypeLabel(self, node_type: str) -> str:
        if self._scene is None or not node_type:
            return "node"
        return self._scene.GetTypeDisplayNameByClassName(node_type).lower()

    @Slot()
    @Slot(str)
    def addNode(self, node_type: str = "") -> Any:
        node_type = node_type or self.nodeTypes[0]
        node = self._scene.CreateNodeByClass(node_type)
        node.UnRegister(None)
        base_name = self._base_names.get(node_type) or node.GetName() or node.GetDefaultNodeNamePrefix()
        node.SetName(self._scene.GetUniqueNameByString(base_name))
        for known_type, name, value in self._attributes:
            if known_type == node_type and value is not None:
                node.SetAttribute(name, value)
        return self._scene.AddNode(node)

    @Slot()
    def removeCurrentNode(self) -> None:
        node = self.currentNode()
        if node is not None:
            self._scene.RemoveNode(node)

    @Slot()
    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        if node is None:
            return
        title = f"Rename {self.nodeTypeLabel(node.GetClassName())}"
        name, accepted = QInputDialog.getText(self, title, "New name:", QLineEdit.EchoMode.Normal, node.GetName())
        if accepted and name:
            node.SetName(name)

    def _scene_changed(self) -> None:
        scene = self._scene
        self._scene_observers.clear()
        if scene is not None:
            events = slicer.vtkMRMLScene
            for event in (events.NodeAddedEvent, events.NodeRemovedEvent):
                self._scene_observers.add(scene, event, self._node_came_or_went)
            self._scene_observers.add(scene, events.EndBatchProcessEvent, self._refresh)
        self.setEnabled(scene is not None)
        self._refresh()

    def _node_came_or_went(self, *_: object) -> None:
        if [node.GetID() for node in self._nodes()] != self._listed:
            self._refresh()

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        one = self.nodeTypes[0] if len(self.nodeTypes) == 1 else "vtkMRMLNode"
        nodes = self._scene.GetNodesByClass(one)
        nodes.UnRegister(None)
        return [node for node in nodes if self._fits(node)]

    def _fits(self, node: Any) -> bool:
        if not any(node.IsA(one) for one in self.nodeTypes) or node.GetHideFromEditors():
            return False
        if any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        for node_type, name, value in self._attributes:
            own = node.GetAttribute(name)
            if node.IsA(node_type) and (own is None or (value is not None and own != value)):
                return False
        return True

    def _replacement(self, nodes: list[Any]) -> str:
        """Returns the node to choose when the chosen one has gone or the first has come (emitCurrentNodeChanged)."""
        if self.noneEnabled or not nodes:
            return ""
        if self._current_id:
            return nodes[-1].GetID()
        return nodes[0].GetID() if self._count == 0 else ""

    def _refresh(self, *_: object) -> None:
        if self._scene is None or self._scene.IsBatchProcessing():
            return
        nodes = self._nodes()
        self._node_observers.clear()
        for node in nodes:
            self._node_observers.add(node, "ModifiedEvent", self._rename_items)
        self._fill(nodes)
        self._listed = [node.GetID() for node in nodes]
        chosen = self._current_id if self._current_id in self._listed else self._replacement(nodes)
        self._count = len(nodes)
        self._select(chosen)

    def _fill(self, nodes: list[Any]) -> None:
        blocked = self._box.blockSignals(True)
        self._box.clear()
        label = self.nodeTypeLabel(self.nodeTypes[0]) if len(self.nodeTypes) == 1 else "node"
        first = self.nodeTypeLabel(self.nodeTypes[0]) if self.nodeTypes else "node"
        self._box.setPlaceholderText(f"Select a {first}")
        if self.noneEnabled:
            self._box.addItem(self.noneDisplay, "")
        for node in nodes:
            self._box.addItem(node.GetName(), node.GetID())
            self._box.setItemData(self._box.count() - 1, node.GetName(), Qt.ItemDataRole.ToolTipRole)
        actions = self._actions(label)
        if actions:
            self._box.insertSeparator(self._box.count())
        for text, action in actions:
            self._box.addItem(text)
            self._box.setItemData(self._box.count() - 1, action, _ACTION)
        self._show_current()
        self._box.blockSignals(blocked)

    def _actions(self, label: str) -> list[tuple[str, str]]:
        actions = [(f"Rename current {label}", "rename")] if self.renameEnabled else []
        for node_type in self.nodeTypes if self.addEnabled else []:
            actions.append((f"Create new {self.nodeTypeLabel(node_type)}", f"create {node_type}"))
            if self.renameEnabled:
                actions.append((f"Create new {self.nodeTypeLabel(node_type)} as...", f"create as {node_type}"))
        return actions + ([(f"Delete current {label}", "delete")] if self.removeEnabled else [])

    def _rename_items(self, node: Any, _: str) -> None:
        if node is not None and self._fits(node) != (self._box.findData(node.GetID()) >= 0):
            self._refresh()
            return
        row = self._box.findData(node.GetID())
        if row >= 0 and self._box.itemText(row) != node.GetName():
            self._box.setItemText(row, node.GetName())

    def _show_current(self) -> None:
        row = self._box.findData(self._current_id) if self._current_id or self.noneEnabled else -1
        self._box.setCurrentIndex(row)

    def _select(self, node_id: str | None) -> None:
        node_id = node_id or ""
        changed = node_id != self._current_id
        self._current_id = node_id
        blocked = self._box.blockSignals(True)
        self._show_current()
        self._box.blockSignals(blocked)
        if changed:
            node = self.currentNode()
            self.currentNodeChanged[object].emit(node)
            self.currentNodeChanged[bool].emit(node is not None)

    def _activated(self, row: int) -> None:
        action = self._box.itemData(row, _ACTION)
        if action is None:
            self._select(self._box.itemData(row))
            return
        self._select(self._current_id)
        verb, _, node_type = action.rpartition(" ") if action.startswith("create") else (action, "", "")
        if verb == "create":
            self._select(self.addNode(node_type).GetID())
        elif verb == "create as":
            self._create_as(node_type)
        else:
            {"rename": self.renameCurrentNode, "delete": self.removeCurrentNode}[verb]()

    def _create_as(self, node_type: str) -> None:
        title = f"Create new {self.nodeTypeLabel(node_type)}"
        name, accepted = QInputDialog.getText(self, title, "New name:")
        if accepted and name:
            node = self.addNode(node_type)
            node.SetName(name)
            self._select(node.GetID())
