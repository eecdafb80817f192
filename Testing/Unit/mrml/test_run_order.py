"""The nodes that a run may overwrite."""

from __future__ import annotations

import slicer

from NephroSynthLib.mrml.run_nodes import ROLE, SYNTHETIC, RunNodes
from NephroSynthLib.mrml.run_order import NEW_NODES, Outputs, reusable_outputs


def test_outputs_of_another_exam_are_not_overwritten(scene: slicer.vtkMRMLScene) -> None:
    synthetic, registered, mine, other = (
        scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in ("synthetic", "registered", "CT", "other")
    )
    kidneys = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "kidneys")
    synthetic.SetAttribute(ROLE, SYNTHETIC)
    run = RunNodes(synthetic)
    run.remember("noncontrast", mine)
    outputs = Outputs(synthetic=synthetic, kidneys=kidneys)
    assert reusable_outputs(outputs, mine) == outputs
    assert reusable_outputs(outputs, other) == NEW_NODES
    assert reusable_outputs(Outputs(kidneys=kidneys), other).kidneys is kidneys
    run.remember("acquired", registered)
    assert reusable_outputs(outputs, mine).acquired is registered
