"""slicer.app.coreIOManager() (Slicer/Base/QTCore/qSlicerCoreIOManager.h): scenes and nodes to files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

# File type -> class of the node that holds such a file.
_NODE_CLASSES = {
    "VolumeFile": "vtkMRMLScalarVolumeNode",
    "SegmentationFile": "vtkMRMLSegmentationNode",
    "TransformFile": "vtkMRMLTransformNode",
    "TableFile": "vtkMRMLTableNode",
    "TextFile": "vtkMRMLTextNode",
}
_BY_SUFFIX = {".mrml": "SceneFile", ".mrb": "SceneFile", ".h5": "TransformFile", ".tfm": "TransformFile"}


class qSlicerCoreIOManager(QObject):
    """Reads and writes by file type, and tells of each file that was loaded or saved."""

    newFileLoaded = Signal(dict)
    fileSaved = Signal(dict)

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session

    def fileType(self, name: str) -> str:
        return _BY_SUFFIX.get(Path(name).suffix.lower(), "VolumeFile")

    def fileWriterFileType(self, node: Any) -> str:
        return next((kind for kind, class_name in _NODE_CLASSES.items() if node.IsA(class_name)), "NoFile")

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        path = Path(properties["fileName"])
        if kind == "SceneFile":
            nodes, success = [], self._load_scene(path, bool(properties.get("clear", False)), messages)
        else:
            node = self._load_node(kind, path, properties)
            nodes, success = [node] if node is not None else [], node is not None
        # Slicer tells of files that could not be loaded as well.
        self.newFileLoaded.emit({**properties, "fileType": kind, "nodeIDs": [node.GetID() for node in nodes]})
        for node in nodes if loaded is not None else []:
            loaded.AddItem(node)
        return success

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None) -> bool:
        path = Path(properties["fileName"])
        path.parent.mkdir(parents=True, exist_ok=True)
        success = self._save_scene(path, messages) if kind == "SceneFile" else self._save_node(path, properties)
        if success:
            self.fileSaved.emit(dict(properties))
        return success

    def _save_node(self, path: Path, properties: dict[str, Any]) -> bool:
        node = self._session.scene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode(str(path))
        storage = node.GetStorageNode()
        storage.SetFileName(str(path))
        storage.SetUseCompression(int(properties.get("useCompression", storage.GetUseCompression())))
        return bool(storage.WriteData(node))

    def _load_scene(self, path: Path, clear: bool, messages: Any) -> bool:
        scene = self._session.scene
        if path.suffix.lower() == ".mrb":
            return bool(scene.ReadFromMRB(str(path), clear, messages))
        scene.SetURL(str(path))
        return bool(scene.Connect(messages) if clear else scene.Import(messages))

    def _save_scene(self, path: Path, messages: Any) -> bool:
        scene = self._session.scene
        if path.suffix.lower() == ".mrb":
            return bool(scene.WriteToMRB(str(path), None, messages))
        if path.suffix.lower() == ".mrml":
            scene.SetURL(str(path))
            return bool(scene.Commit(str(path), messages))
        path.mkdir(parents=True, exist_ok=True)
        return bool(self._session.application_logic.SaveSceneToSlicerDataBundleDirectory(str(path), None, messages))

    def _load_node(self, kind: str, path: Path, properties: dict[str, Any]) -> Any:
        if kind not in _NODE_CLASSES:
            raise ValueError(f"this host reads no '{kind}'")
        class_name = "vtkMRMLLabelMapVolumeNode" if properties.get("labelmap") else _NODE_CLASSES[kind]
        name = properties.get("name") or path.name.split(".")[0]
        node = self._session.scene.AddNewNodeByClass(class_name, name)
        node.AddDefaultStorageNode(str(path))
        storage = node.GetStorageNode()
        storage.SetFileName(str(path))
        if not storage.ReadData(node):
            self._session.scene.RemoveNode(storage)
            self._session.scene.RemoveNode(node)
            return None
        if kind == "VolumeFile":
            self._show_volume(node, bool(properties.get("show", True)))
        return node

    def _show_volume(self, node: Any, show: bool) -> None:
        node.CreateDefaultDisplayNodes()
        if show:
            logic = self._session.application_logic
            logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
            logic.PropagateVolumeSelection(1)


class qSlicerIOManager(qSlicerCoreIOManager):
    """slicer.app.ioManager() (Slicer/Base/QTGUI/qSlicerIOManager.h): the same with dialogs."""

    def openAddDataDialog(self) -> bool:
        """Asks for a file and loads it; Slicer's dialog takes several and asks how."""
        name, _ = QFileDialog.getOpenFileName(self._session.window, "Add data into the scene")
        return bool(name) and self.loadNodes(self.fileType(name), {"fileName": name})

    def openSaveDataDialog(self) -> bool:
        """Asks for a file and saves the scene to it; Slicer's dialog lists all data nodes, too."""
        name, _ = QFileDialog.getSaveFileName(self._session.window, "Save Scene and Unsaved Data")
        return bool(name) and self.saveNodes(self.fileType(name), {"fileName": name})
