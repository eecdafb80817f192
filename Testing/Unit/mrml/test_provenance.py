"""The origin of a node, in its attributes."""

from __future__ import annotations

from typing import Any

import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.mrml.provenance import provenance, run_summary, set_provenance
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode


@pytest.fixture
def volumes(scene: Scene, ct: sitk.Image) -> tuple[Node, Node]:
    return node_from_image(scene, ct, "native"), node_from_image(scene, ct, "synthetic")


def test_a_result_tells_where_it_comes_from(volumes: tuple[Node, Node], summary: dict[str, Any]) -> None:
    native, synthetic = volumes
    assert provenance(synthetic) == {}
    assert run_summary(synthetic) is None
    set_provenance(synthetic, summary, {"Noncontrast": native})
    told = provenance(synthetic)
    assert told["Model.synthesis"] == "nephrographic-synthesizer ba7b"
    assert told["Notice"] == "Research use only."
    assert (told["Seed"], told["Steps"], told["Registration"]) == ("3", "4", "two-stage")
    assert told["Input.Noncontrast"] == "native"
    assert run_summary(synthetic) == summary


def test_a_summary_that_somebody_damaged_is_none(volumes: tuple[Node, Node]) -> None:
    for text in ("{", "[1]"):
        volumes[0].SetAttribute("NephroSynth.Summary", text)
        assert run_summary(volumes[0]) is None
