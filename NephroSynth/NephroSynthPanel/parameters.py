"""The parameters of a run. They are kept in the scene's parameter node, so that a saved scene has them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from NephroSynthLib import options
from NephroSynthLib.mrml.run_order import Outputs, RunOrder, reusable_outputs
from NephroSynthLib.mrml.transform_nodes import transforms_above
from NephroSynthLib.session.form_values import NOT_KNOWN, PLACES, settings_of
from NephroSynthLib.session.run_choice import INPUTS, RunChoice

LARGEST_SEED = min(options.LARGEST_SEED, 2**31 - 1)  # a spin box of Qt holds 32 bits
TORCH_DEVICES = {"auto": _("Automatic"), "cpu": _("CPU")}
"""The titles of the devices that every computer has."""


class Registration(enum.Enum):
    """How the excretory phase is brought onto the non-contrast phase. The values are those of the library's setting."""

    DENSE = "dense"
    TWO_STAGE = "two-stage"
    AFFINE = "affine"
    NONE = "none"

    def label(self) -> str:
        """The text in the menu."""
        return {
            Registration.DENSE: _("Three stages (with tissue)"),
            Registration.TWO_STAGE: _("Two stages (abdomen, kidneys)"),
            Registration.AFFINE: _("Abdomen alone (affine)"),
            Registration.NONE: _("None (aligned already)"),
        }[self]


class LandmarkUse(enum.Enum):
    """The use of landmarks in the registration. The values are those of the library's setting."""

    START = "start"
    RIGID = "rigid"
    AFFINE = "affine"
    THIN_PLATE = "thin-plate"

    def label(self) -> str:
        """The text in the menu."""
        return {
            LandmarkUse.START: _("Start the registration"),
            LandmarkUse.RIGID: _("Instead of stage 1, rigid"),
            LandmarkUse.AFFINE: _("Instead of stage 1, affine"),
            LandmarkUse.THIN_PLATE: _("Instead of stages 1 and 2"),
        }[self]


@parameterNodeWrapper
class Parameters:
    """The inputs, outputs and options of a run, and the current result.

    Defaults and ranges are those of `NephroSynthLib.options`. The value 0 means that an option is not set.

    Attributes:
        excretoryDelay: Seconds from the injection to the excretory phase. 0 takes them from the DICOM header.
        nephrographicDelay: Seconds from the injection to the nephrographic phase that is wanted.
        weight: Body weight in kg.
        iodine: Mass of the injected iodine in g.
        egfr: Glomerular filtration rate of both kidneys in ml/min.
        result: The synthetic volume of the run that is checked, compared and exported.
        spacingX: Voxel size of the results along x in mm. 0 keeps that of the non-contrast phase.
        spacingY: The same along y.
        spacingZ: The same along z.
    """

    noncontrast: slicer.vtkMRMLScalarVolumeNode
    excretory: slicer.vtkMRMLScalarVolumeNode
    nephrographic: slicer.vtkMRMLScalarVolumeNode
    kidneysInput: slicer.vtkMRMLDisplayableNode  # noqa: N815
    landmarks: slicer.vtkMRMLMarkupsFiducialNode
    excretoryLandmarks: slicer.vtkMRMLMarkupsFiducialNode  # noqa: N815
    landmarkUse: LandmarkUse = LandmarkUse(options.LANDMARK_USE.default)  # noqa: N815

    synthetic: slicer.vtkMRMLScalarVolumeNode
    excretoryOutput: slicer.vtkMRMLScalarVolumeNode  # noqa: N815
    kidneysOutput: slicer.vtkMRMLSegmentationNode  # noqa: N815
    transformOutput: slicer.vtkMRMLTransformNode  # noqa: N815
    uncertaintyOutput: slicer.vtkMRMLScalarVolumeNode  # noqa: N815
    wantExcretory: bool = True  # noqa: N815
    wantKidneys: bool = True  # noqa: N815
    wantTransform: bool = True  # noqa: N815
    wantUncertainty: bool = True  # noqa: N815

    device: str = options.DEVICE.default
    model: str = options.SYNTHESIS_MODEL.default
    segmenter: str = options.SEGMENTATION_MODEL.default
    registration: Registration = Registration(options.REGISTRATION.default)
    steps: Annotated[int, WithinRange(options.STEPS.least, options.STEPS.most)] = options.STEPS.default
    samples: Annotated[int, WithinRange(options.SAMPLES.least, options.SAMPLES.most)] = options.SAMPLES.default
    excretoryDelay: Annotated[int, WithinRange(0, int(options.EXCRETORY_DELAY.most))] = 0  # noqa: N815
    nephrographicDelay: Annotated[int, WithinRange(0, int(options.NEPHROGRAPHIC_DELAY.most))] = 0  # noqa: N815
    weight: Annotated[float, WithinRange(0.0, options.WEIGHT.most)] = 0.0
    iodine: Annotated[float, WithinRange(0.0, options.IODINE.most)] = 0.0
    egfr: Annotated[float, WithinRange(0.0, options.EGFR.most)] = 0.0
    seed: Annotated[int, WithinRange(options.SEED.least, LARGEST_SEED)] = options.SEED.default
    spacingX: Annotated[float, WithinRange(0.0, options.SPACING.most)] = 0.0  # noqa: N815
    spacingY: Annotated[float, WithinRange(0.0, options.SPACING.most)] = 0.0  # noqa: N815
    spacingZ: Annotated[float, WithinRange(0.0, options.SPACING.most)] = 0.0  # noqa: N815

    result: slicer.vtkMRMLScalarVolumeNode


OPTIONS: Mapping[str, options.Option[Any]] = {
    "device": options.DEVICE,
    "model": options.SYNTHESIS_MODEL,
    "segmenter": options.SEGMENTATION_MODEL,
    "registration": options.REGISTRATION,
    "steps": options.STEPS,
    "samples": options.SAMPLES,
    "seed": options.SEED,
    "spacingX": options.SPACING,
    "spacingY": options.SPACING,
    "spacingZ": options.SPACING,
}
"""The parameters of the section Advanced, and the options that they set."""

FACTS: Mapping[str, options.Option[Any]] = {
    "excretoryDelay": options.EXCRETORY_DELAY,
    "nephrographicDelay": options.NEPHROGRAPHIC_DELAY,
    "weight": options.WEIGHT,
    "iodine": options.IODINE,
    "egfr": options.EGFR,
    "landmarkUse": options.LANDMARK_USE,
}
"""The parameters in the section Inputs, and the options that they set."""

OUTPUTS = ("synthetic", "excretoryOutput", "kidneysOutput", "transformOutput", "uncertaintyOutput")
"""The parameters that name nodes to overwrite."""


def too_small(parameters: Parameters) -> options.Option[Any] | None:
    """Returns the first option whose number is set but below its range, or None. 0 means not set."""
    for name, option in {**FACTS, **OPTIONS}.items():
        value = getattr(parameters, name)
        if option.least is not None and isinstance(value, int | float) and 0 < value < option.least:
            return option
    return None


def restore_defaults(parameters: Parameters) -> None:
    """Sets the options of the section Advanced to their defaults."""
    with slicer.util.NodeModify(parameters):
        for name in OPTIONS:
            setattr(parameters, name, parameters.default(name).value)


def settings(parameters: Parameters, of_patient: bool = True) -> dict[str, Any]:
    """The library's settings, as JSON values.

    Args:
        parameters: The parameters.
        of_patient: Whether the settings hold the facts about the patient of the chosen phases.
    """
    spacing = [parameters.spacingX, parameters.spacingY, parameters.spacingZ]
    names = PLACES.keys() - {"spacing"} - (frozenset() if of_patient else NOT_KNOWN)
    form = {name: getattr(parameters, name) for name in names}
    plain = {name: value.value if isinstance(value, enum.Enum) else value for name, value in form.items()}
    return settings_of({**plain, "spacing": spacing if any(spacing) else None})


def run_choice(parameters: Parameters) -> RunChoice:
    """The nodes that the user chose, by their IDs."""
    inputs = {name: getattr(parameters, name) for name in INPUTS}
    outputs = (
        parameters.synthetic,
        parameters.excretoryOutput,
        parameters.uncertaintyOutput,
        parameters.kidneysOutput,
    )
    parents = (parent for node in inputs.values() if node is not None for parent in transforms_above(node))
    return RunChoice(
        inputs={name: _id(node) for name, node in inputs.items()},
        kidneys=_id(parameters.kidneysInput),
        outputs=[node.GetID() for node in outputs if node is not None],
        transform=_id(parameters.transformOutput),
        parents=frozenset(parent.GetID() for parent in parents),
        landmarks=(_points(parameters.landmarks), _points(parameters.excretoryLandmarks)),
    )


def run_order(parameters: Parameters) -> RunOrder:
    """The run that the parameters describe."""
    wanted = {
        "excretory": parameters.wantExcretory,
        "kidneys": parameters.wantKidneys,
        "transform": parameters.wantTransform,
        "uncertainty": parameters.wantUncertainty,
    }
    outputs = Outputs(
        synthetic=parameters.synthetic,
        excretory=parameters.excretoryOutput,
        kidneys=parameters.kidneysOutput,
        transform=parameters.transformOutput,
        uncertainty=parameters.uncertaintyOutput,
    )
    return RunOrder(
        noncontrast=parameters.noncontrast,
        excretory=parameters.excretory,
        nephrographic=parameters.nephrographic,
        kidneys=parameters.kidneysInput,
        outputs=reusable_outputs(outputs, parameters.noncontrast),
        wanted=frozenset({"synthetic", "acquired", *(name for name, chosen in wanted.items() if chosen)}),
        settings=settings(parameters),
        landmarks=parameters.landmarks,
        excretory_landmarks=parameters.excretoryLandmarks,
    )


def _points(node: Any) -> int | None:
    """The number of points of a list, or None without a list."""
    return node.GetNumberOfDefinedControlPoints() if node is not None else None


def _id(node: Any) -> str | None:
    return node.GetID() if node is not None else None
