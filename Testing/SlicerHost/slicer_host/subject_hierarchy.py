"""The items of the subject hierarchy.

In Slicer: Modules/Loadable/SubjectHierarchy/Widgets/qSlicerSubjectHierarchyPluginLogic.cxx, and
Modules/Loadable/Segmentations/SubjectHierarchyPlugins/qSlicerSubjectHierarchySegmentationsPlugin.cxx.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

# Nodes that a plugin of the subject hierarchy takes up (canAddNodeToSubjectHierarchy).
_TAKEN_UP = ("vtkMRMLDisplayableNode", "vtkMRMLTableNode", "vtkMRMLPlotChartNode", "vtkMRMLTextNode")
_SEGMENT_ID = "segmentID"  # vtkMRMLSegmentationNode::GetSegmentIDAttributeName
_VIRTUAL_BRANCH = "VirtualBranch"  # vtkMRMLSubjectHierarchyConstants::GetSubjectHierarchyVirtualBranchAttributeName


class SubjectHierarchyItems:
    """Gives each data node of a scene its item, and each segment an item below that of its node.

    The items of segments follow the events of the segmentation alone, as in Slicer. A segmentation that is replaced by
    another one invokes no event, and the items of its segments stay.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, self._node_added)
        scene.AddObserver(slicer.vtkMRMLScene.EndImportEvent, self._add_missing_items)

    def _hierarchy(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_added(self, _scene: Any, _event: str, node: Any) -> None:
        if node.IsA("vtkMRMLSegmentationNode"):
            node.AddObserver(slicer.vtkSegmentation.SegmentAdded, self._segment_added)
            node.AddObserver(slicer.vtkSegmentation.SegmentRemoved, self._segment_removed)
            node.AddObserver(slicer.vtkSegmentation.SegmentModified, self._segment_modified)
        if not self._scene.IsImporting():
            self._add_item(node)

    def _add_missing_items(self, *_: object) -> None:
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(self._scene)
        for index in range(self._scene.GetNumberOfNodes()):
            self._add_item(self._scene.GetNthNode(index))

    def _add_item(self, node: Any) -> None:
        taken_up = any(node.IsA(name) for name in _TAKEN_UP) and not node.GetHideFromEditors()
        if taken_up and not self._hierarchy().GetItemByDataNode(node):
            self._hierarchy().CreateItem(self._hierarchy().GetSceneItemID(), node)
            if node.IsA("vtkMRMLSegmentationNode"):
                self._update_segments(node)

    def _segment_items(self, node: Any) -> dict[str, int]:
        """Returns the item of each segment by the segment's ID."""
        children = vtk.vtkIdList()
        self._hierarchy().GetItemChildren(self._hierarchy().GetItemByDataNode(node), children)
        items = [children.GetId(index) for index in range(children.GetNumberOfIds())]
        by_id = {self._hierarchy().GetItemAttribute(item, _SEGMENT_ID): item for item in items}
        return {segment_id: item for segment_id, item in by_id.items() if segment_id}

    @vtk.calldata_type(vtk.VTK_STRING)
    def _segment_added(self, node: Any, _event: str, segment_id: str | None = None) -> None:
        if self._scene.IsImporting():
            return
        if segment_id is None:  # events that were held back lose their data
            self._update_segments(node)
        elif segment_id not in self._segment_items(node):
            segment = node.GetSegmentation().GetSegment(segment_id)
            hierarchy = self._hierarchy()
            position = node.GetSegmentation().GetSegmentIndex(segment_id)
            parent = hierarchy.GetItemByDataNode(node)
            item = hierarchy.CreateHierarchyItem(parent, segment.GetName() or "", _VIRTUAL_BRANCH, position)
            hierarchy.SetItemAttribute(item, _SEGMENT_ID, segment_id)

    @vtk.calldata_type(vtk.VTK_STRING)
    def _segment_removed(self, node: Any, _event: str, segment_id: str | None = None) -> None:
        if segment_id is None:
            self._update_segments(node)
        elif segment_id in self._segment_items(node):
            self._hierarchy().RemoveItem(self._segment_items(node)[segment_id])

    @vtk.calldata_type(vtk.VTK_STRING)
    def _segment_modified(self, node: Any, _event: str, segment_id: str | None = None) -> None:
        if self._scene.IsImporting():
            return
        if segment_id is None:
            self._update_segments(node)
            return
        item = self._segment_items(node).get(segment_id)
        segment = node.GetSegmentation().GetSegment(segment_id)
        if item is not None and self._hierarchy().GetItemName(item) != (segment.GetName() or ""):
            self._hierarchy().SetItemName(item, segment.GetName() or "")

    def _update_segments(self, node: Any) -> None:
        """Makes the items those of the segments (updateAllSegmentsFromMRML)."""
        segmentation = node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
        for segment_id in self._segment_items(node).keys() - set(ids):
            self._segment_removed(node, "", segment_id)
        for segment_id in ids:
            self._segment_added(node, "", segment_id)
            self._segment_modified(node, "", segment_id)
