"""Pairs of corresponding points, the map that fits them, and the errors that they leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.registration.fusion import FusedMap, after_field, fuse
from NephroSynthLib.registration.geometry import FloatArray, WorkingGrid, apply

Kind = Literal["rigid", "affine", "thin-plate"]

_FLAT_MM = 1.0
_GRID_MM = 3.0
_FADE_MM = 80.0


@dataclass(frozen=True)
class Landmarks:
    """Corresponding points of both phases.

    Attributes:
        fixed: (N, 3) points in the fixed frame, LPS mm, N >= 3.
        moving: (N, 3) points of the same anatomy in the moving frame, LPS mm.
        kind: Kind of the map that is fitted. An affine or thin-plate map needs N >= 4.
        replaces: Whether the map replaces stage 1; otherwise stage 1 starts from it.

    Raises:
        UsageError: If the shapes differ, a coordinate is not finite, or the pairs do not determine a map of that kind:
            fewer than three or all on one line; for an affine or thin-plate map fewer than four or all in one plane;
            for a thin-plate map two of them at one place.
    """

    fixed: FloatArray
    moving: FloatArray
    kind: Kind = "rigid"
    replaces: bool = False

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
        if self.kind != "rigid" and min(_spread(self.fixed)[2], _spread(self.moving)[2]) < _FLAT_MM:
            raise UsageError(
                f"{_ARTICLES[self.kind]} map needs at least four landmark pairs that do not lie in one plane.",
                Action.GIVE_LANDMARKS,
            )
        if self.kind == "thin-plate" and _least_distance(self.fixed) < _FLAT_MM:
            raise UsageError("Two landmarks of a thin-plate map lie at one place.", Action.GIVE_LANDMARKS)

    def fit(self) -> FloatArray:
        """Returns the 4x4 map of fixed to moving points with the least sum of squared distances, LPS mm.

        Rigid: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE
        TPAMI 13 (1991), eqs. 40 to 42 without scale. Affine, and the linear part of thin-plate: linear least squares.
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

    def map(self) -> FusedMap:
        """Returns the fitted map.

        A thin-plate map carries each fixed point to its partner, but for the interpolation on a grid of 3 mm. It fades
        to the affine map of all pairs within 80 mm around them.
        """
        affine = self.fit()
        if self.kind != "thin-plate":
            return fuse(affine, (), ())
        grid = WorkingGrid.between(
            self.fixed.min(axis=0) - _FADE_MM - _GRID_MM, self.fixed.max(axis=0) + _FADE_MM + _GRID_MM, _GRID_MM
        )
        points = grid.points()
        bending = self._bending(affine, points.reshape(-1, 3)).reshape(points.shape)
        outside = np.maximum(self.fixed.min(axis=0) - points, points - self.fixed.max(axis=0)).clip(min=0.0)
        share = np.clip(1 - outside.max(axis=-1) / _FADE_MM, 0.0, 1.0)
        return after_field(affine, grid, bending * (share**2 * (3 - 2 * share))[..., None])

    def _bending(self, affine: FloatArray, points: FloatArray) -> FloatArray:
        """Returns the displacements that the thin-plate spline adds to points (n, 3) before the affine map, LPS mm.

        Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE TPAMI 11 (1989);
        the kernel in three dimensions is the distance.
        """
        from scipy import interpolate

        residuals = apply(np.linalg.inv(affine), self.moving) - self.fixed
        spline = interpolate.RBFInterpolator(self.fixed, residuals, kernel="linear", degree=1)
        return np.asarray(spline(points), dtype=np.float64)

    def in_frame(self, placement: FloatArray | None) -> Landmarks:
        """Returns the pairs with their moving points in another frame.

        Args:
            placement: 4x4 map of the other frame to the frame of the moving points; None for the same frame.
        """
        return self if placement is None else replace(self, moving=apply(np.linalg.inv(placement), self.moving))

    def held_out_errors(self) -> FloatArray | None:
        """Returns for each pair its distance in mm from the map that the other pairs fit; None if they are too few."""
        errors = []
        for index, (fixed, moving) in enumerate(zip(self.fixed, self.moving, strict=True)):
            others = [np.delete(points, index, axis=0) for points in (self.fixed, self.moving)]
            try:
                rest = Landmarks(others[0], others[1], self.kind)
            except UsageError:
                return None
            affine = rest.fit()
            bent = fixed + rest._bending(affine, fixed[None])[0] if self.kind == "thin-plate" else fixed
            errors.append(float(np.linalg.norm(apply(affine, bent) - moving)))
        return np.array(errors)

    def errors(self, transform: sitk.Transform) -> FloatArray:
        """Returns the distance in mm of each moving point from the place to which a transform carries its partner."""
        carried = np.array([transform.TransformPoint(point) for point in self.fixed.tolist()])
        return np.asarray(np.linalg.norm(carried - self.moving, axis=1))


_ARTICLES: dict[Kind, str] = {"rigid": "A rigid", "affine": "An affine", "thin-plate": "A thin-plate"}


def _spread(points: FloatArray) -> FloatArray:
    """Returns the root mean square extent of points along their principal axes in mm, largest first."""
    values = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))
    return np.pad(values, (0, 3 - len(values)))


def _least_distance(points: FloatArray) -> float:
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distances[np.triu_indices(len(points), 1)].min())
