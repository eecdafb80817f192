"""A map from which the registration starts: of the whole phase, and of each kidney that was placed on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.imaging.grids import canonical
from NephroSynthLib.registration.fusion import FusedMap, fuse
from NephroSynthLib.registration.geometry import FloatArray, affine_transform, apply, box_corners, extent
from NephroSynthLib.registration.kidney_stage import mask_points
from NephroSynthLib.registration.landmarks import Landmarks

LEAST_MOVE_MM = 0.5
_MOST_POINTS = 500


@dataclass(frozen=True)
class InitialMap:
    """An initial transform, reduced to the maps that the stages optimize.

    Attributes:
        map: The affine map and the motions of the kidneys, fused smoothly.
        motions: For each kidney that the transform moves otherwise than the affine map by 0.5 mm or more, its side and
            the 4x4 rigid map of fixed to moving points, LPS mm.
    """

    map: FusedMap
    motions: Mapping[str, FloatArray]

    @property
    def note(self) -> str:
        """Says in a sentence where the registration started."""
        sides = " and ".join(f"the {side} kidney" for side in self.motions)
        alone = f"; {sides} started at {'its' if len(self.motions) == 1 else 'their'} own motion" if sides else ""
        return f"The registration started from an initial transform{alone}."

    @staticmethod
    def of(transform: sitk.Transform, fixed: sitk.Image, fixed_masks: Mapping[str, sitk.Image]) -> InitialMap:
        """Reduces a transform.

        The affine map is the one of the corners of the image, which a local motion leaves alone.

        Args:
            transform: Carries fixed points to moving points, LPS mm.
            fixed: Non-contrast phase.
            fixed_masks: The mask of each kidney in the fixed frame, by side.

        Raises:
            UsageError: If the transform carries the corners to points that are not finite, or flattens them.
        """
        corners = box_corners(*extent(canonical(fixed)))
        affine = Landmarks(corners, _carried(transform, corners), "affine").fit()
        motions = {}
        for side, mask in fixed_masks.items():
            points = mask_points(mask)
            points = points[:: max(1, len(points) // _MOST_POINTS)]
            carried = _carried(transform, points)
            if np.linalg.norm(carried - apply(affine, points), axis=1).max() >= LEAST_MOVE_MM:
                motions[side] = Landmarks(points, carried, "rigid").fit()
        return InitialMap(fuse(affine, list(motions.values()), [fixed_masks[side] for side in motions]), motions)


def in_frame(transform: sitk.Transform, placement: FloatArray | None) -> sitk.Transform:
    """Returns an initial transform that carries points to another frame of the moving phase.

    Args:
        transform: Carries fixed points to moving points, LPS mm.
        placement: 4x4 map of the other frame to the frame of the moving points; None for the same frame.
    """
    if placement is None:
        return transform
    return sitk.CompositeTransform(
        [affine_transform(np.asarray(np.linalg.inv(placement), dtype=np.float64)), transform]
    )


def _carried(transform: sitk.Transform, points: FloatArray) -> FloatArray:
    return np.array([transform.TransformPoint(point) for point in points.tolist()])
