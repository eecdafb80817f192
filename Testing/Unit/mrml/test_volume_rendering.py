"""The synthetic phase in 3D, with the real logic and preset of Slicer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.mrml.volume_nodes import node_from_image
from NephroSynthLib.mrml.volume_rendering import PRESET, is_rendered, render

SHARE = Path(__file__).parents[2] / "SlicerHost" / "slicer_host" / "share" / "VolumeRendering"


@pytest.fixture
def logic(scene: slicer.vtkMRMLScene) -> Iterator[slicer.vtkSlicerVolumeRenderingLogic]:
    logic = slicer.vtkSlicerVolumeRenderingLogic()
    logic.SetModuleShareDirectory(str(SHARE))
    logic.SetMRMLScene(scene)
    yield logic
    logic.SetMRMLScene(None)


def test_a_volume_is_shown_with_a_preset_for_ct_and_hidden_again(
    scene: slicer.vtkMRMLScene, logic: slicer.vtkSlicerVolumeRenderingLogic, ct: sitk.Image
) -> None:
    node = node_from_image(scene, ct, "ct")
    assert not is_rendered(logic, node)
    render(logic, node, False)
    assert logic.GetFirstVolumeRenderingDisplayNode(node) is None
    render(logic, node, True)
    assert is_rendered(logic, node)
    opacity = logic.GetFirstVolumeRenderingDisplayNode(node).GetVolumePropertyNode().GetScalarOpacity()
    assert logic.GetPresetByName(PRESET) is not None
    assert opacity.GetValue(-100) == 0.0  # fat
    assert opacity.GetValue(180) > 0.2  # enhanced kidney
    nodes = scene.GetNumberOfNodes()
    render(logic, node, False)
    render(logic, node, True)
    assert is_rendered(logic, node)
    assert scene.GetNumberOfNodes() == nodes
