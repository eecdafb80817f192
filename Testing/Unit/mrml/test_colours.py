"""Colour tables and legends."""

from __future__ import annotations

import slicer
from steps_at_once import finish

from NephroSynthLib.mrml.comparison import difference, show_legend

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


def test_its_colours_diverge_from_white_to_blue_below_and_red_above(scene: Scene, pair: tuple[Node, Node]) -> None:
    node = finish(difference(scene, *pair, "difference"))()
    table = node.GetDisplayNode().GetColorNode().GetLookupTable()
    low, middle, high = (table.GetTableValue(index)[:3] for index in (0, 128, 255))
    assert low[2] > low[0] + 0.2
    assert high[0] > high[2] + 0.2
    assert min(middle) > 0.9
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert legend.GetVisibility()
    assert "synthetic" in legend.GetTitleText()
    assert "HU" in legend.GetTitleText()
    show_legend(node, False)
    assert not legend.GetVisibility()
    show_legend(node, True)
    again = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert again.GetVisibility()
    assert again.GetTitleText() == legend.GetTitleText()
    assert scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1
