"""The places of nodes in the subject hierarchy."""

from __future__ import annotations

from collections.abc import Iterator

import slicer


def place_beside(node: slicer.vtkMRMLNode, input_node: slicer.vtkMRMLNode) -> None:
    """Moves a node into the study, patient or folder of another node. A chart takes its tables along.

    Args:
        node: The node to move.
        input_node: The other node.

    Raises:
        ValueError: If a node is in no scene.
    """
    tree = _tree(node)
    parent = tree.GetItemParent(_item(tree, input_node))
    for one in (node, *_tables(node)):
        tree.SetItemParent(_item(tree, one), parent)


def _tables(node: slicer.vtkMRMLNode) -> Iterator[slicer.vtkMRMLTableNode]:
    if node.IsA("vtkMRMLPlotChartNode"):
        for index in range(node.GetNumberOfPlotSeriesNodes()):
            yield node.GetNthPlotSeriesNode(index).GetTableNode()


def _tree(node: slicer.vtkMRMLNode) -> slicer.vtkMRMLSubjectHierarchyNode:
    if node.GetScene() is None:
        raise ValueError(f"The node '{node.GetName()}' is in no scene.")
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())


def _item(tree: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLNode) -> int:
    """The item of a node. It is made if Slicer's plugins, which usually make it, are missing."""
    item = tree.GetItemByDataNode(node)
    if item == slicer.vtkMRMLSubjectHierarchyNode.GetInvalidItemID():
        item = tree.CreateItem(tree.GetSceneItemID(), node)
    return int(item)
