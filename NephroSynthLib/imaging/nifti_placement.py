"""Where the voxels of a NIfTI file lie. A header that contradicts itself, or leaves this open, is refused.

The rules are those of nibabel and ITK where the header is sound: the sform counts before the qform, and the spacing is
pixdim. Neither library notices contradictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.grids import orthogonal_axes
from NephroSynthLib.imaging.nifti import NiftiHeader
from NephroSynthLib.imaging.volume_checks import LARGEST_SHEAR, gantry_tilt

_SPACING_TOLERANCE = 5e-3
_ANGLE_TOLERANCE_DEGREES = 0.5
_SHIFT_TOLERANCE_MM = 1.0
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Placement:
    """Spacing (mm), origin (LPS mm) and direction (row by row, as ITK has it) of an image."""

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def nifti_placement(role: str, header: NiftiHeader) -> Placement:
    """Finds where the voxels of a NIfTI volume lie.

    A form with a code and with numbers that make no grid does not count if the other form is sound.

    Args:
        role: The role of the volume; error messages name it.
        header: Header of a 3D volume.

    Raises:
        GeometryError: If the header has no spacing in mm or no valid form, if its forms or its spacings disagree, or if
            the grid is sheared.
    """
    if header.unit is not None:
        raise GeometryError(
            f"The NIfTI header of the {role} gives its voxel size in {header.unit}, not in mm.", Action.CORRECT_HEADER
        )
    spacing = np.abs(header.voxel_size)
    forms = {"sform": header.sform, "qform": header.qform}
    valid = {name: form for name, form in forms.items() if form is not None and _is_grid(form)}
    if not (np.isfinite(spacing).all() and spacing.all()):
        other = f" Its sform says {_in_mm(_steps(valid['sform']))}." if "sform" in valid else ""
        raise GeometryError(
            f"The NIfTI header of the {role} has no valid voxel size: pixdim is {_in_mm(spacing)}.{other}",
            Action.CORRECT_HEADER,
        )
    if not valid:
        raise _no_form(role, header)
    if "sform" in valid:
        steps = _steps(valid["sform"])
        if (np.abs(steps / spacing - 1) > _SPACING_TOLERANCE).any():
            raise GeometryError(
                f"The NIfTI header of the {role} has two voxel sizes: {_in_mm(spacing)} in pixdim and {_in_mm(steps)} "
                "in the sform.",
                Action.CORRECT_HEADER,
            )
        if _shear(valid["sform"]) > LARGEST_SHEAR:
            raise gantry_tilt(role)
    if len(valid) == 2:
        _check_agreement(role, valid["sform"], valid["qform"], header.shape)
    form = next(iter(valid.values()))
    x, y, z = _RAS_TO_LPS @ form[:3, 3]
    direction = _RAS_TO_LPS @ _axes(form)
    return Placement(tuple(spacing.tolist()), (float(x), float(y), float(z)), tuple(direction.ravel().tolist()))


def _no_form(role: str, header: NiftiHeader) -> GeometryError:
    """Returns the error for a header without a form that places the volume."""
    named = [name for name, form in (("sform", header.sform), ("qform", header.qform)) if form is not None]
    if not named:
        return GeometryError(
            f"The NIfTI header of the {role} does not say how the patient lies: the codes of its sform and its qform "
            "are both 0.",
            Action.CORRECT_HEADER,
        )
    return GeometryError(
        f"The {' and the '.join(named)} in the NIfTI header of the {role} {'is' if len(named) == 1 else 'are'} not "
        "valid: the numbers describe no grid.",
        Action.CORRECT_HEADER,
    )


def _check_agreement(role: str, sform: NDArray[np.float64], qform: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    """Refuses two valid forms that differ by more than rounding.

    Raises:
        GeometryError: If they are mirror images, or differ in orientation or position.
    """
    turn = orthogonal_axes(_axes(sform)) @ _axes(qform).T
    centre = np.append((np.array(shape) - 1) / 2, 1)
    shift = float(np.linalg.norm((sform - qform) @ centre))
    angle = float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    if np.linalg.det(turn) < 0:
        difference = "are mirror images of each other"
    elif angle > _ANGLE_TOLERANCE_DEGREES:
        difference = f"are {angle:.1f} degrees apart"
    elif shift > _SHIFT_TOLERANCE_MM:
        difference = f"place the volume {shift:.1f} mm apart"
    else:
        return
    raise GeometryError(
        f"The NIfTI header of the {role} contradicts itself: its sform and its qform {difference}.",
        Action.CORRECT_HEADER,
    )


def _is_grid(form: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(form).all() and _steps(form).all() and abs(np.linalg.det(_axes(form))) > 0.1)


def _steps(form: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the distance between neighbouring voxels along each axis, in mm."""
    return np.linalg.norm(form[:3, :3], axis=0)


def _axes(form: NDArray[np.float64]) -> NDArray[np.float64]:
    return form[:3, :3] / _steps(form)


def _shear(form: NDArray[np.float64]) -> float:
    return float(np.abs(_axes(form).T @ _axes(form) - np.eye(3)).max())


def _in_mm(sizes: NDArray[np.float64]) -> str:
    return " × ".join(f"{size:.4g}" for size in sizes) + " mm"
