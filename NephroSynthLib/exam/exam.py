"""The exam: the phases of one patient as SimpleITK images, read and checked together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.agreement import check_paths_differ, check_phases
from NephroSynthLib.exam.common_frame import in_common_frame
from NephroSynthLib.exam.kidney_labels import read_kidneys
from NephroSynthLib.exam.situs import situs_warnings
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.dicom.series import Series


@dataclass(frozen=True)
class Exam:
    """The phases of one patient: float32 HU, 3D, of any orientation, each on its own grid.

    Attributes:
        noncontrast: The non-contrast phase, whose grid is the reference.
        excretory: The excretory phase, turned or moved back if it does not lie as the non-contrast phase.
        nephrographic: The acquired nephrographic phase, likewise; None if there is none to compare with.
        kidneys: uint8 label map on the grid of the non-contrast phase: 1 right, 2 left; None if not known.
        warnings: Doubts that the user should weigh, as sentences without patient identifiers.
        excretory_delay_s: Seconds from the injection to the excretory phase, if its DICOM header states them.
        weight_kg: Weight of the patient, if a DICOM header states it.
        iodine_g: Mass of the injected iodine, if the DICOM header of the excretory phase states it.
        notes: Information about the reading, such as the DICOM series that were chosen.
        label: The name that the user gave the exam; never one from a header.
        excretory_placement: 4x4 map of points of `excretory` to the frame of its file, LPS mm; None if they are one.
    """

    noncontrast: sitk.Image
    excretory: sitk.Image
    nephrographic: sitk.Image | None = None
    kidneys: sitk.Image | None = None
    warnings: tuple[str, ...] = ()
    excretory_delay_s: float | None = None
    weight_kg: float | None = None
    iodine_g: float | None = None
    notes: tuple[str, ...] = ()
    label: str = ""
    excretory_placement: NDArray[np.float64] | None = None


def read_exam(
    noncontrast: Path | Series,
    excretory: Path | Series,
    nephrographic: Path | Series | None = None,
    kidneys: Path | None = None,
    progress: Progress = Progress(),
) -> Exam:
    """Reads the phases of one patient, and checks each of them and all of them together.

    Args:
        noncontrast: The non-contrast phase, whose grid is the reference; as `read_volume` takes it.
        excretory: The excretory phase.
        nephrographic: The acquired nephrographic phase, if there is one to compare with.
        kidneys: A label map of the kidneys in the non-contrast phase, if there is one.
        progress: Receives how far the reading got.

    Raises:
        UnreadableInputError, ImageContentError, NotCTError: As `read_volume`.
        GeometryError: As `read_volume`, or if phases do not show the same part of the body.
        IdentityError: If phases are of different patients, or the same series is given twice.
        NoKidneyError: If the label map has no kidney.

    Example:
        >>> exam = read_exam(Path("noncontrast.nii.gz"), Path("excretory.nii.gz"))
        >>> exam.warnings
        ()
    """
    paths = {"non-contrast phase": noncontrast, "excretory phase": excretory}
    if nephrographic is not None:
        paths["nephrographic phase"] = nephrographic
    check_paths_differ({role: path for role, path in paths.items() if isinstance(path, Path)})
    volumes = {}
    for index, (role, path) in enumerate(paths.items()):
        volumes[role] = read_volume(path, role, progress.part(index / len(paths), (index + 1) / len(paths)))
        progress.update((index + 1) / len(paths), f"read the {role}")
    warnings = [warning for volume in volumes.values() for warning in volume.warnings]
    volumes, placements, doubts = in_common_frame(volumes)
    warnings += [*doubts, *check_phases(volumes)]
    reference_volume = volumes["non-contrast phase"]
    reference = reference_volume.image
    warnings += situs_warnings(reference, volumes["excretory phase"].image)
    labels = None
    if kidneys is not None:
        labels, notes = read_kidneys(kidneys, reference)
        warnings += notes
    images = {role: volume.image for role, volume in volumes.items()}
    return Exam(
        reference,
        images["excretory phase"],
        images.get("nephrographic phase"),
        labels,
        tuple(warnings),
        volumes["excretory phase"].excretory_delay_s,
        volumes["excretory phase"].weight_kg or reference_volume.weight_kg,
        volumes["excretory phase"].iodine_g,
        excretory_placement=placements.get("excretory phase"),
    )
