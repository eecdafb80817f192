"""Pairs of corresponding points, and the rigid or affine map that fits them best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.registration.geometry import FloatArray

_FLAT_MM = 1.0


@dataclass(frozen=True)
class Landmarks:
    """Corresponding points of both phases.

    Attributes:
        fixed: (N, 3) points in the fixed frame, LPS mm, N >= 3.
        moving: (N, 3) points of the same anatomy in the moving frame, LPS mm.
        kind: Kind of the map that is fitted. An affine map needs N >= 4.

    Raises:
        UsageError: If the shapes differ, a coordinate is not finite, or the pairs do not determine a map of that kind:
            fewer than three or all on one line; for an affine map fewer than four or all in one plane.
    """

    fixed: FloatArray
    moving: FloatArray
    kind: Literal["rigid", "affine"] = "rigid"

    def __post_init__(self) -> None:
        for name in ("fixed", "moving"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.fixed.ndim != 2 or self.fixed.shape[1:] != (3,) or self.fixed.shape != self.moving.shape:
            raise UsageError(
                f"Landmarks come as two lists of N points with 3 coordinates, not {self.fixed.shape} and "
                f"{self.moving.shape}.",
                Action.GIVE_LANDMARKS,
            )
        if not (np.isfinite(self.fixed).all() and np.isfinite(self.moving).all()):
            raise UsageError("A landmark has a coordinate that is not a finite number.")
        if len(self.fixed) < 3:
            raise UsageError(f"{len(self.fixed)} landmark pairs do not fix a rigid map.", Action.GIVE_LANDMARKS)
        if min(_spread(self.fixed)[1], _spread(self.moving)[1]) < _FLAT_MM:
            raise UsageError("The landmarks lie on one line and do not fix a rotation.", Action.GIVE_LANDMARKS)
        if self.kind == "affine" and _spread(self.fixed)[2] < _FLAT_MM:
            raise UsageError(
                "An affine map needs at least four landmark pairs that do not lie in one plane.",
                Action.GIVE_LANDMARKS,
            )

    def fit(self) -> FloatArray:
        """Returns the 4x4 map of fixed to moving points with the least sum of squared distances, LPS mm.

        Rigid: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE
        TPAMI 13 (1991), eqs. 40 to 42 without scale. Affine: linear least squares.
        """
        fixed_mean, moving_mean = self.fixed.mean(axis=0), self.moving.mean(axis=0)
        fixed, moving = self.fixed - fixed_mean, self.moving - moving_mean
        matrix = np.eye(4)
        if self.kind == "rigid":
            left, _, right = np.linalg.svd(moving.T @ fixed)
            matrix[:3, :3] = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
        else:
            matrix[:3, :3] = np.linalg.lstsq(fixed, moving, rcond=None)[0].T
        matrix[:3, 3] = moving_mean - matrix[:3, :3] @ fixed_mean
        return matrix


def _spread(points: FloatArray) -> FloatArray:
    """Returns the root mean square extent of points along their principal axes in mm, largest first."""
    values = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))
    return np.pad(values, (0, 3 - len(values)))
