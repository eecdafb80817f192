"""What a run is told, kept in the scene's parameter node, so that a saved scene remembers it."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from NephroSynthPanel.dicom_files import dicom_delay_s

DEFAULT_MODEL = "nephrographic-synthesizer"
LARGEST_SEED = 2**31 - 1
TORCH_DEVICES = {"auto": _("Automatic"), "cpu": _("CPU")}
"""Devices that every computer has, and their titles."""


class Registration(enum.Enum):
    """How the excretory phase is brought onto the non-contrast phase; values are those of the library's setting."""

    TWO_STAGE = "two-stage"
    AFFINE = "affine"
    NONE = "none"

    def label(self) -> str:
        """For the menu."""
        return {
            Registration.TWO_STAGE: _("Two stages (abdomen, kidneys)"),
            Registration.AFFINE: _("Abdomen alone (affine)"),
            Registration.NONE: _("None (aligned already)"),
        }[self]


@parameterNodeWrapper
class Parameters:
    """Inputs, outputs, options of a run, and the result that is looked at.

    Attributes:
        result: The synthetic volume of the run that is checked, compared and exported.
        spacingX, spacingY, spacingZ: Voxel size of the results in mm; 0 keeps that of the non-contrast phase.
    """

    noncontrast: slicer.vtkMRMLScalarVolumeNode
    excretory: slicer.vtkMRMLScalarVolumeNode
    nephrographic: slicer.vtkMRMLScalarVolumeNode
    kidneysInput: slicer.vtkMRMLDisplayableNode  # noqa: N815

    synthetic: slicer.vtkMRMLScalarVolumeNode
    excretoryOutput: slicer.vtkMRMLScalarVolumeNode  # noqa: N815
    kidneysOutput: slicer.vtkMRMLSegmentationNode  # noqa: N815
    transformOutput: slicer.vtkMRMLTransformNode  # noqa: N815
    uncertaintyOutput: slicer.vtkMRMLScalarVolumeNode  # noqa: N815
    wantExcretory: bool = True  # noqa: N815
    wantKidneys: bool = True  # noqa: N815
    wantTransform: bool = True  # noqa: N815
    wantUncertainty: bool = True  # noqa: N815

    device: str = "auto"
    model: str = DEFAULT_MODEL
    registration: Registration = Registration.TWO_STAGE
    steps: Annotated[int, WithinRange(1, 1000)] = 4
    samples: Annotated[int, WithinRange(1, 64)] = 1
    excretoryDelay: Annotated[int, WithinRange(0, 3600)] = 0  # noqa: N815
    seed: Annotated[int, WithinRange(0, LARGEST_SEED)] = 0
    spacingX: Annotated[float, WithinRange(0.0, 10.0)] = 0.0  # noqa: N815
    spacingY: Annotated[float, WithinRange(0.0, 10.0)] = 0.0  # noqa: N815
    spacingZ: Annotated[float, WithinRange(0.0, 10.0)] = 0.0  # noqa: N815

    result: slicer.vtkMRMLScalarVolumeNode


OPTIONS = (
    "device",
    "model",
    "registration",
    "steps",
    "samples",
    "excretoryDelay",
    "seed",
    "spacingX",
    "spacingY",
    "spacingZ",
)
"""The parameters of the section Advanced."""


def restore_defaults(parameters: Parameters) -> None:
    """Sets the options back."""
    with slicer.util.NodeModify(parameters):
        for name in OPTIONS:
            setattr(parameters, name, parameters.default(name).value)


def settings(parameters: Parameters) -> dict[str, Any]:
    """The options as the library's settings, in JSON."""
    spacing = (parameters.spacingX, parameters.spacingY, parameters.spacingZ)
    return {
        "device": parameters.device,
        "seed": parameters.seed,
        "registration": {"mode": parameters.registration.value},
        "synthesis": {
            "model": parameters.model,
            "steps": parameters.steps,
            "samples": parameters.samples,
            "excretory_delay_s": parameters.excretoryDelay or dicom_delay_s(parameters.excretory),
        },
        "spacing": list(spacing) if any(spacing) else None,
    }
