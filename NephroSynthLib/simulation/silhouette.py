"""Convex outlines of a patient, slice by slice, that label maps do not hold: cavity, muscular wall, skin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.splines import linear_weights

DIRECTIONS = 64
ANGLES: NDArray[np.float64] = np.linspace(0.0, 2.0 * np.pi, DIRECTIONS, endpoint=False, dtype=np.float64)
"""Directions in the axial plane in radians: 0 points to the patient's left, pi / 2 to the back."""


@dataclass(frozen=True)
class Silhouette:
    """A stack of convex outlines, each given by its support function.

    Attributes:
        reach: (slices, directions) mm from the z axis to the tangent in each of `ANGLES`; -inf where nothing is.
        bottom: Z of the first slice in mm.
        step: Distance between slices in mm.
    """

    reach: NDArray[np.float64]
    bottom: float
    step: float

    def grown(self, margin: float | NDArray[np.float64]) -> Silhouette:
        """Returns the outline moved outwards by a margin in mm, one for all or one for each direction and slice."""
        return replace(self, reach=self.reach + margin)

    def united(self, other: Silhouette) -> Silhouette:
        """Returns the outline around both."""
        return replace(self, reach=np.maximum(self.reach, other.reach))

    def smoothed(self, along_mm: float) -> Silhouette:
        """Returns the outline smoothed along z and around; slices that show nothing take the nearest slice's."""
        shown = np.isfinite(self.reach).all(axis=1)
        if not shown.any():
            return self
        nearest = ndimage.distance_transform_edt(~shown, return_distances=False, return_indices=True)[0]
        smooth = ndimage.gaussian_filter1d(self.reach[nearest], along_mm / self.step, axis=0, mode="nearest")
        return replace(self, reach=ndimage.gaussian_filter1d(smooth, 1.5, axis=1, mode="wrap"))

    def at(self, z: float) -> NDArray[np.float64]:
        """Returns the reach (directions,) at a height in mm."""
        row = int(np.clip(round((z - self.bottom) / self.step), 0, len(self.reach) - 1))
        return np.asarray(self.reach[row])

    def distance(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the signed distance in mm in the axial plane, negative inside; constant beyond the end slices."""
        finite = np.where(np.isfinite(self.reach), self.reach, -500.0)
        weights = linear_weights((z.flatten().double() - self.bottom) / self.step, len(finite)).float()
        at_height = weights @ torch.from_numpy(finite.astype(np.float32))
        result: Tensor | None = None
        for k, angle in enumerate(ANGLES):
            beyond = x * float(np.cos(angle)) + y * float(np.sin(angle)) - at_height[:, k].reshape(z.shape)
            result = beyond if result is None else torch.maximum(result, beyond)
        assert result is not None
        return result


def outline(label_map: LabelMap, names: list[str]) -> Silhouette:
    """Returns the convex outline of classes in each slice of a map."""
    mask = label_map.mask(names)
    z, y, x = label_map.grid.axes()
    levels, lines = np.nonzero(mask.any(axis=2))
    reach = np.full((len(z), DIRECTIONS), -np.inf)
    if not len(levels):
        return Silhouette(reach, float(z[0]), label_map.grid.spacing[2])
    filled = mask[levels, lines]
    ends = x[filled.argmax(axis=1)], x[filled.shape[1] - 1 - filled[:, ::-1].argmax(axis=1)]
    shown, starts = np.unique(levels, return_index=True)
    for k, angle in enumerate(ANGLES):
        across = np.maximum(ends[0] * np.cos(angle), ends[1] * np.cos(angle))
        reach[shown, k] = np.maximum.reduceat(across + y[lines] * np.sin(angle), starts)
    return Silhouette(reach, float(z[0]), label_map.grid.spacing[2])


def by_direction(front: float, side: float, back: float) -> NDArray[np.float64]:
    """Returns a thickness (directions,) that changes smoothly from front through side to back."""
    towards_back = np.sin(ANGLES)
    ahead, behind = np.clip(-towards_back, 0, None) ** 2, np.clip(towards_back, 0, None) ** 2
    return np.asarray(front * ahead + back * behind + side * (1.0 - ahead - behind))
