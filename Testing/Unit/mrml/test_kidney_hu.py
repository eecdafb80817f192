"""The HU of the kidneys in each phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.errors import NoKidneyError, UsageError
from NephroSynthLib.mrml.kidney_hu import kidney_hu_table

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode
Columns = Callable[[Node], dict[str, list[Any]]]


def test_hu_of_each_kidney_in_each_phase(
    scene: Scene,
    compared: dict[str, Node],
    segmentation: Node,
    ct: sitk.Image,
    kidneys: sitk.Image,
    columns_of: Columns,
) -> None:
    node = finish(kidney_hu_table(scene, compared, segmentation, "HU"))()
    columns = columns_of(node)
    assert list(zip(columns["Kidney"], columns["Phase"], strict=True)) == [
        ("Right", "Synthetic"), ("Right", "Acquired"), ("Left", "Synthetic"), ("Left", "Acquired")
    ]  # fmt: skip
    right = sitk.GetArrayFromImage(ct)[sitk.GetArrayFromImage(kidneys) == 1]
    assert columns["Mean"][1] == pytest.approx(right.mean(), abs=0.06)
    assert columns["SD"][1] == pytest.approx(right.std(), abs=0.06)
    assert columns["Mean"][0] == pytest.approx(right.mean() + 120, abs=0.06)
    assert columns["Median"][0] == pytest.approx(np.median(right) + 120, abs=0.06)
    assert node.GetColumnUnitLabel("Mean") == "HU"
    assert finish(kidney_hu_table(scene, {"Acquired": compared["Acquired"]}, segmentation, "HU", node))() is node
    assert len(columns_of(node)["Mean"]) == 2


def test_no_kidneys_no_table(scene: Scene, compared: dict[str, Node]) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(NoKidneyError):
        finish(kidney_hu_table(scene, compared, empty, "HU"))()
    with pytest.raises(UsageError):
        finish(kidney_hu_table(scene, {}, empty, "HU"))()
    assert scene.GetNumberOfNodes() == nodes
