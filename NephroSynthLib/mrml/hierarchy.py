"""Places of nodes in the subject hierarchy."""

from __future__ import annotations

import slicer


def place_beside(node: slicer.vtkMRMLNode, input_node: slicer.vtkMRMLNode) -> None:
    """Puts a node where another one is: into its study, patient or folder.

    Raises:
        ValueError: If a node is in no scene.
    """
    tree = _tree(node)
    tree.SetItemParent(_item(tree, node), tree.GetItemParent(_item(tree, input_node)))


def _tree(node: slicer.vtkMRMLNode) -> slicer.vtkMRMLSubjectHierarchyNode:
    if node.GetScene() is None:
        raise ValueError(f"The node '{node.GetName()}' is in no scene.")
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())


def _item(tree: slicer.vtkMRMLSubjectHierarchyNode, node: slicer.vtkMRMLNode) -> int:
    """The item of a node; Slicer's plugins have made it, except in a scene without them."""
    item = tree.GetItemByDataNode(node)
    if item == slicer.vtkMRMLSubjectHierarchyNode.GetInvalidItemID():
        item = tree.CreateItem(tree.GetSceneItemID(), node)
    return int(item)
