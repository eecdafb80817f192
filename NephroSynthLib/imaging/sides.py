"""The two sides of the body: the labels of the kidneys, and how position tells right from left.

In LPS the coordinate x grows towards the patient's left, so the right kidney lies at smaller x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import SimpleITK as sitk
    from numpy.typing import NDArray

RIGHT, LEFT, EITHER = 1, 2, 3
"""Labels of the right kidney, of the left kidney, and of a kidney whose side is not known yet."""

SIDES: dict[str, int] = {"right": RIGHT, "left": LEFT}
"""Label of the kidney on each side, by the name of the side."""

SIDE_NAMES: dict[int, str] = {label: side for side, label in SIDES.items()}
"""Name of the side of each kidney, by its label."""

SIDE_CODES: dict[int, tuple[str, str, str]] = {RIGHT: ("SCT", "24028007", "Right"), LEFT: ("SCT", "7771000", "Left")}
"""SNOMED CT codes of the sides (scheme, value, meaning), by label: DICOM PS3.16, CID 244 (Laterality)."""

BODY_HU, BONE_HU = -300.0, 180.0
_LEAST_SPINE_ML = 20.0
_HORSESHOE_REACH_MM = 35.0
_HORSESHOE_WIDTH_MM = 130.0


def lateral_positions(image: sitk.Image) -> NDArray[np.float64]:
    """Returns how far to the patient's left each voxel lies (LPS x, mm), in a shape that broadcasts to (z, y, x)."""
    import numpy as np

    steps = np.array(image.GetDirection()[:3]) * image.GetSpacing()
    x, y, z = (step * np.arange(size) for step, size in zip(steps, image.GetSize(), strict=True))
    return np.asarray(image.GetOrigin()[0] + x + y[:, np.newaxis] + z[:, np.newaxis, np.newaxis])


def midline(hu: NDArray[np.floating], lateral: NDArray[np.floating], voxel_mm3: float) -> float:
    """Finds the left-right middle of the patient.

    Half of all bone lies on either side, so the spine shows the middle even in a field of view with one flank only.
    An image with less than 20 ml of bone takes the middle of the body instead.

    Args:
        hu: CT (z, y, x).
        lateral: How far to the patient's left each voxel lies, in mm; its shape broadcasts to that of the CT.
        voxel_mm3: Volume of a voxel.

    Returns:
        A value of `lateral`.
    """
    import numpy as np

    places = np.broadcast_to(lateral, hu.shape)
    inside = hu > BONE_HU
    if np.count_nonzero(inside) * voxel_mm3 < _LEAST_SPINE_ML * 1000:
        inside = hu > BODY_HU
    return float(np.median(places[inside] if inside.any() else places))


def is_horseshoe(lateral: NDArray[np.floating], middle: float) -> bool:
    """Tells whether a connected kidney reaches far over the midline on both sides.

    Args:
        lateral: How far to the patient's left the voxels of the kidney lie, in mm.
        middle: The midline, in mm.
    """
    right, left = float(lateral.min()), float(lateral.max())
    return min(middle - right, left - middle) >= _HORSESHOE_REACH_MM and left - right >= _HORSESHOE_WIDTH_MM
