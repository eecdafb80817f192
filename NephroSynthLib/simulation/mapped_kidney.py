"""A kidney with the shape of a label map, and the inner structure of a drawn one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from NephroSynthLib.simulation.kidneys import KidneyAnatomy
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_patient import SIDE_NAMES
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.splines import linear_weights, tensor_product

_MARGIN_MM = 24.0


@dataclass(frozen=True)
class MappedKidney(KidneyAnatomy):
    """A kidney whose capsule is that of a label map.

    Attributes:
        surface: (z, y, x) signed distance in mm to the capsule, negative inside.
        surface_grid: Its voxels in the anatomy frame.
    """

    surface: NDArray[np.float32]
    surface_grid: Grid

    def capsule(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the signed distance in mm to the capsule, (z, y, x), constant far outside."""
        grid = self.surface_grid
        weights = [
            linear_weights((axis.flatten().double() - origin) / size, count).float()
            for axis, origin, size, count in zip(
                (z, y, x), grid.origin[::-1], grid.spacing[::-1], grid.shape, strict=True
            )
        ]
        return tensor_product(torch.from_numpy(self.surface), weights)


def trace_kidney(kidney: KidneyAnatomy, label_map: LabelMap) -> MappedKidney:
    """Returns a drawn kidney with the capsule of its side in a label map of the same frame."""
    side = SIDE_NAMES[kidney.plan.side]
    names = [name for name in (f"kidney_{side}", f"kidney_cyst_{side}") if name in label_map.boxes]
    margins = [int(np.ceil(_MARGIN_MM / step)) for step in label_map.grid.spacing[::-1]]
    boxes = [label_map.boxes[name] for name in names]
    starts = [max(0, min(box[k].start for box in boxes) - margins[k]) for k in range(3)]
    stops = [min(count, max(box[k].stop for box in boxes) + margins[k]) for k, count in enumerate(label_map.grid.shape)]
    part = tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
    mask = np.isin(label_map.labels[part], [label_map.classes[name] for name in names])
    steps = label_map.grid.spacing[::-1]
    distance = ndimage.distance_transform_edt(~mask, steps) - ndimage.distance_transform_edt(mask, steps)
    first = label_map.grid.to_points(np.array(starts))
    return MappedKidney(
        **kidney.__dict__,
        surface=ndimage.gaussian_filter(distance, 0.7).astype(np.float32),
        surface_grid=Grid(mask.shape, label_map.grid.spacing, (float(first[0]), float(first[1]), float(first[2]))),
    )
