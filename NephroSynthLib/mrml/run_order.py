"""The order of a run: its inputs, the nodes that take its result, and its settings."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import slicer

from NephroSynthLib.mrml.run_nodes import run_nodes


@dataclass(frozen=True)
class Outputs:
    """The nodes that take a result. None makes a new node."""

    synthetic: slicer.vtkMRMLScalarVolumeNode | None = None
    excretory: slicer.vtkMRMLScalarVolumeNode | None = None
    kidneys: slicer.vtkMRMLSegmentationNode | None = None
    transform: slicer.vtkMRMLTransformNode | None = None
    uncertainty: slicer.vtkMRMLScalarVolumeNode | None = None
    acquired: slicer.vtkMRMLScalarVolumeNode | None = None


ALL = tuple(field.name for field in fields(Outputs))
"""The names of all results."""

NEW_NODES = Outputs()
"""No given nodes: each result gets a new one."""


@dataclass(frozen=True)
class RunOrder:
    """The inputs, outputs and settings of a run.

    Attributes:
        noncontrast: The non-contrast phase.
        excretory: The excretory phase.
        nephrographic: The acquired nephrographic phase, if there is one.
        kidneys: A segmentation or label map of the kidneys, if the user has one.
        outputs: The nodes to overwrite.
        wanted: The results to load, by the names of `Outputs`. The synthetic volume is always loaded.
        settings: The library's settings as JSON values.
        landmarks: Points of the non-contrast phase, if there are any.
        excretory_landmarks: The same points of the excretory phase.
    """

    noncontrast: slicer.vtkMRMLScalarVolumeNode
    excretory: slicer.vtkMRMLScalarVolumeNode
    nephrographic: slicer.vtkMRMLScalarVolumeNode | None
    kidneys: slicer.vtkMRMLDisplayableNode | None
    outputs: Outputs
    wanted: frozenset[str]
    settings: dict[str, Any]
    landmarks: slicer.vtkMRMLMarkupsFiducialNode | None = None
    excretory_landmarks: slicer.vtkMRMLMarkupsFiducialNode | None = None


def reusable_outputs(outputs: Outputs, noncontrast: slicer.vtkMRMLScalarVolumeNode) -> Outputs:
    """The outputs that a run on a non-contrast phase may overwrite.

    Outputs of another exam stay, because their name and study are those of another patient.

    Args:
        outputs: The nodes that the user chose. Their `acquired` is replaced by that of the earlier run.
        noncontrast: The non-contrast phase of the new run.
    """
    before = run_nodes(outputs.synthetic)
    if before is None:
        return outputs
    if before.noncontrast not in (None, noncontrast):
        return Outputs()
    return replace(outputs, acquired=before.acquired)
