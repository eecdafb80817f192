"""One CT volume, read from a file or a DICOM folder and checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import SimpleITK as sitk

from NephroSynthLib.dicom.series_identity import Identity
from NephroSynthLib.errors import Action, GeometryError, InputError, NotCTError, UnreadableInputError
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.imaging.image_files import is_image_file, read_image_file
from NephroSynthLib.imaging.padding import padding_as_air
from NephroSynthLib.imaging.volume_checks import check_geometry, check_hounsfield, check_shape, gantry_tilt
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.dicom.index import DicomIndex
    from NephroSynthLib.dicom.series import Series

_TILT_DEGREES = 0.5


@dataclass(frozen=True)
class Volume:
    """One CT volume that passed all checks.

    Attributes:
        image: float32 HU, 3D, at least -1024 HU, on its own grid.
        identity: Patient, study and series, from DICOM; None for other formats.
        warnings: Doubts that the user should weigh, as sentences.
        excretory_delay_s: Seconds from the injection to this volume, if a DICOM header states them and the volume can
            be an excretory phase.
        weight_kg: Weight of the patient, if a DICOM header states it.
        iodine_g: Mass of the injected iodine, if a DICOM header states it.
    """

    image: sitk.Image
    identity: Identity | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    excretory_delay_s: float | None = None
    weight_kg: float | None = None
    iodine_g: float | None = None


def read_volume(path: Path | Series, role: str = "CT", progress: Progress = Progress()) -> Volume:
    """Reads and checks one CT volume.

    Args:
        path: A NIfTI, NRRD or MetaImage file; a folder, DICOMDIR, zip or multi-frame file with one DICOM CT series; or
            a series of a DICOM index.
        role: Name of the volume in error messages, e.g. 'excretory phase'.
        progress: Receives how far the reading got.

    Raises:
        UnreadableInputError: If there is nothing, or nothing readable, at `path`.
        ImageContentError: If the voxels cannot be a CT: 4D, colour, not finite, constant.
        NotCTError: If the image is not a CT, or not in HU.
        GeometryError: If there are fewer than 16 slices, irregular or missing ones, or gantry tilt.

    Example:
        >>> volume = read_volume(Path("noncontrast.nii.gz"), "non-contrast phase")
        >>> volume.image.GetSize()
        (512, 512, 320)
    """
    if not isinstance(path, Path):
        volume = _read_series(path, role, progress)
    elif not path.exists():
        raise UnreadableInputError(f"The file or folder given as {role} does not exist.", Action.GIVE_VOLUME)
    elif is_image_file(path):
        volume = Volume(read_image_file(path, role, sitk.sitkFloat32))
    else:
        volume = _read_dicom(path, role, progress)
    volume = _without_padding(volume, role)
    values = sitk.GetArrayViewFromImage(volume.image)
    check_hounsfield(role, values)
    if values.min() < AIR_HU:
        return replace(volume, image=sitk.Clamp(volume.image, sitk.sitkFloat32, AIR_HU))
    return volume


def _without_padding(volume: Volume, role: str) -> Volume:
    """Replaces padding that is not air by air, with a warning."""
    image, value = padding_as_air(volume.image)
    if value is None:
        return volume
    warning = f"The {role} is padded with {value:g} HU, which is not air. The padding was replaced by air."
    return replace(volume, image=image, warnings=(*volume.warnings, warning))


def _read_dicom(path: Path, role: str, progress: Progress) -> Volume:
    from NephroSynthLib.dicom.index import index_dicom

    with _naming(role):
        index = index_dicom(path, progress.part(0.0, 0.4))
    candidates = index.volumes or tuple(series for series in index.series if series.is_derived_volume)
    if len(candidates) > 1:
        listed = "; ".join(series.title for series in candidates)
        raise UnreadableInputError(
            f"The {role} is ambiguous: the DICOM folder holds {len(candidates)} CT series: {listed}.",
            Action.GIVE_CT_SERIES,
        )
    if not candidates:
        raise _no_volume(role, index)
    return _read_series(candidates[0], role, progress.part(0.4, 1.0))


def _read_series(series: Series, role: str, progress: Progress) -> Volume:
    from NephroSynthLib.dicom.series_reading import read_series
    from NephroSynthLib.phases.injection import iodine_g, weight_kg
    from NephroSynthLib.phases.timing import excretory_delay_s

    with _naming(role):
        read = read_series(series, progress)
    check_shape(role, read.image.GetSize(), 1, read.image.GetPixelIDValue())
    check_geometry(role, read.image)
    return Volume(
        read.image,
        read.identity,
        tuple(_series_warnings(series, role)),
        excretory_delay_s(read.header),
        weight_kg(read.header),
        iodine_g(read.header),
    )


def _series_warnings(series: Series, role: str) -> Iterator[str]:
    if series.why_not_volume:
        yield f"The {role} is a series that is usually left out: {series.why_not_volume}. An acquired one is better."
    tilt = _tilt_degrees(series)
    if (
        tilt > _TILT_DEGREES
        and series.stack is not None
        and series.stack.direction[8] > math.cos(math.radians(tilt / 2))
    ):
        yield f"The header of the {role} tells of a gantry tilt of {tilt:.1f} degrees, which its slices do not show."


def _tilt_degrees(series: Series) -> float:
    """Returns the gantry tilt that the header states; 0 if it states none or no number."""
    try:
        return abs(float(series.header.get("GantryDetectorTilt") or 0.0))
    except (TypeError, ValueError):  # free text, or several numbers
        return 0.0


@contextmanager
def _naming(role: str) -> Iterator[None]:
    """Adds the role of a volume to the errors of a reader, which does not know it."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"The {role} cannot be read. {error.what}", error.action) from error


def _no_volume(role: str, index: DicomIndex) -> InputError:
    """Returns the error for a folder without a CT volume, with the reason why its most likely series is none."""
    if not index.series:
        return UnreadableInputError(f"The {role} holds no DICOM file that can be read.", Action.GIVE_VOLUME)
    likely = max(index.series, key=lambda series: (len(series.slices), len(series.files)))
    if not likely.slices:
        found = "; ".join(f"{series.title}: {series.why_not_volume}" for series in index.series[:5])
        return NotCTError(f"The {role} holds no CT series ({found}).", Action.GIVE_CT_SERIES)
    if "gantry tilt" in (likely.why_not_volume or ""):
        return gantry_tilt(role)
    return GeometryError(
        f"The {role} is not a whole volume: {likely.title} has {likely.why_not_volume}.",
        Action.EXPORT_AGAIN,
    )
