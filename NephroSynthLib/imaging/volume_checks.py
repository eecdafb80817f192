"""Checks that a volume can be a CT phase: three-dimensional, finite, in HU, on a regular grid.

Each check raises an error whose message names the role of the volume, e.g. 'excretory phase'.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError, ImageContentError, NotCTError
from NephroSynthLib.imaging.grids import MIN_SLICES

MAX_VOXELS = 2**31
LARGEST_SHEAR = 5e-3
_SPACING_RANGE_MM = (0.1, 20.0)
_FAT_HU = (-150.0, -30.0)
_SOFT_TISSUE_HU = (-30.0, 150.0)
_DENSEST_HU = 20_000.0
_BODY_HU = (-200.0, 300.0)
_SAMPLES = 2_000_000


def check_shape(role: str, size: tuple[int, ...], components: int, pixel_type: int) -> None:
    """Checks from the header alone that a file holds one scalar volume.

    Raises:
        ImageContentError: If it is a picture, a time series, colour, vectors or complex numbers.
        GeometryError: If it has fewer than 16 voxels along an axis.
    """
    if len(size) == 2:
        raise ImageContentError(f"The {role} is a single picture.", Action.GIVE_WHOLE_VOLUME)
    if len(size) > 3:
        raise ImageContentError(f"The {role} has {len(size)} dimensions.", Action.GIVE_WHOLE_VOLUME)
    if pixel_type in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise ImageContentError(f"The {role} holds complex numbers.", Action.GIVE_CT)
    if components > 1:
        raise ImageContentError(
            f"The {role} has {components} values in each voxel (colour or vectors).", Action.GIVE_CT
        )
    if min(size) < MIN_SLICES:
        raise GeometryError(
            f"The {role} has only {min(size)} slices; at least {MIN_SLICES} are needed.",
            Action.GIVE_WHOLE_VOLUME,
        )
    if np.prod(size, dtype=float) > MAX_VOXELS:
        raise ImageContentError(f"The {role} announces more than two thousand million voxels.", Action.EXPORT_AGAIN)


def check_geometry(role: str, image: sitk.Image) -> None:
    """Checks that the axes of a volume are orthogonal and that its voxel size is that of a CT.

    Raises:
        GeometryError: If the grid is sheared by gantry tilt, or the spacing cannot be in mm.
    """
    direction = np.reshape(image.GetDirection(), (3, 3))
    shear = np.abs(direction.T @ direction - np.eye(3)).max()
    if not np.isfinite(direction).all() or not np.isfinite(image.GetOrigin()).all() or shear > LARGEST_SHEAR:
        raise gantry_tilt(role)
    smallest, largest = _SPACING_RANGE_MM
    if not all(smallest <= spacing <= largest for spacing in image.GetSpacing()):
        raise GeometryError(f"The voxel size of the {role} is not that of a CT in mm.", Action.CORRECT_HEADER)


def gantry_tilt(role: str) -> GeometryError:
    """Returns the error for a grid whose slices are not stacked along their normal."""
    return GeometryError(
        f"The {role} is sheared: its slices were made with a tilted gantry.",
        Action.CORRECT_TILT,
    )


def not_finite(role: str) -> ImageContentError:
    """Returns the error for NaN and infinite voxels."""
    return ImageContentError(f"The {role} has voxels that are not numbers (NaN or infinite).", Action.EXPORT_AGAIN)


def check_hounsfield(role: str, values: NDArray[np.float32]) -> None:
    """Checks that voxel values can be those of an abdominal CT in HU.

    Each abdominal CT shows fat (about -100 HU) and soft tissue (about 40 HU), most of the body lies between them, and
    bone reaches above 200 HU. At least one of these is missing in stored values without their rescale, in MR, PET and
    pictures, and in windowed or normalized volumes.

    Args:
        role: Name of the volume in error messages.
        values: Voxels (z, y, x).

    Raises:
        ImageContentError: If a value is not finite, or all are the same.
        NotCTError: If the values are not HU.
    """
    if not np.isfinite(values).all():
        raise not_finite(role)
    lowest, highest = float(values.min()), float(values.max())
    if lowest == highest:
        raise ImageContentError(f"The {role} is empty: all voxels are {lowest:g}.", Action.GIVE_WHOLE_VOLUME)
    sample = values.ravel()[:: max(1, values.size // _SAMPLES)]
    if _share(sample, (_DENSEST_HU, np.inf)) > 1e-3:
        raise NotCTError(
            f"The {role} is not in HU: values reach {highest:g}, as if negative ones had wrapped around.",
            Action.GIVE_CT,
        )
    sample = sample[sample > lowest]
    if _share(sample, (-np.inf, -20.0)) < 1e-3:
        raise NotCTError(
            f"The {role} is not in HU: it has no values below zero, as if it were MR, PET, a picture or a CT without "
            "its rescale intercept.",
            Action.GIVE_CT,
        )
    body = sample[sample > -500]
    concentrated = body.size > 0 and _share(body, _BODY_HU) > 0.6
    if _share(sample, _FAT_HU) < 2e-3 or _share(sample, _SOFT_TISSUE_HU) < 0.02 or not concentrated:
        raise NotCTError(
            f"The {role} is not a CT in HU: the values of fat and soft tissue are missing.", Action.GIVE_CT
        )
    if highest < 200 or (highest < 1000 and np.mean(values == highest) > 1e-3):
        raise NotCTError(f"The values of the {role} end at {highest:g}, as if it had been windowed.", Action.GIVE_CT)
    if lowest > -500 and np.mean(values == lowest) > 0.01:
        raise NotCTError(
            f"The values of the {role} begin at {lowest:g}, as if it had been windowed.",
            Action.GIVE_CT,
        )


def _share(values: NDArray[np.float32], interval: tuple[float, float]) -> float:
    if values.size == 0:
        return 0.0
    return float(np.mean((values > interval[0]) & (values < interval[1])))
