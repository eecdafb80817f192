"""Registrations of others, for the table of `registration.py`: ANTs SyN and ConvexAdam, each with its own defaults.

Both get the windowed phases on 2.5 mm voxels over the whole volume, and no kidneys.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor
from torch.nn import functional

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.registration.adam import Adam
from NephroSynthLib.registration.convex_start import convex_start
from NephroSynthLib.registration.geometry import WorkingGrid, extent
from NephroSynthLib.registration.mind import mind_ssc
from NephroSynthLib.registration.velocity import identity, roughness, sample, smoothed

SPACING_MM = 2.5
_NODE, _ROUNDS, _RATE, _ROUGHNESS = 2, 80, 1.0, 1.25

Registering = Callable[[sitk.Image, sitk.Image, sitk.Transform], sitk.Transform]


def windowed(image: sitk.Image, grid: WorkingGrid) -> sitk.Image:
    """Returns the HU of an image in the window 400/50 on a grid, from 0, because ANTs starts from centres of mass."""
    return grid.image((np.clip(grid.sample(image), LOWER_HU, UPPER_HU) - LOWER_HU).astype(np.float32))


def field_transform(displacement: sitk.Image) -> sitk.Transform:
    """Returns the transform of a displacement field in mm."""
    return sitk.DisplacementFieldTransform(sitk.Cast(displacement, sitk.sitkVectorFloat64))


def syn(fixed: sitk.Image, moving: sitk.Image, affine: sitk.Transform) -> sitk.Transform:
    """Registers by ANTs: its own affine map, then symmetric normalization (SyN) with mutual information.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        affine: Not used.

    Returns:
        The transform of fixed points to moving points.
    """
    import ants

    images = []
    for image in (fixed, moving):
        grid = WorkingGrid.between(*extent(image), SPACING_MM)
        values = sitk.GetArrayFromImage(windowed(image, grid))
        images.append(ants.from_numpy(np.ascontiguousarray(values.T), origin=grid.origin, spacing=(SPACING_MM,) * 3))
    with TemporaryDirectory() as folder:
        found = ants.registration(*images, type_of_transform="SyN", outprefix=str(Path(folder) / "syn"))
        warp, matrix = found["fwdtransforms"]
        return sitk.CompositeTransform(
            [sitk.ReadTransform(matrix), field_transform(sitk.ReadImage(warp, sitk.sitkVectorFloat64))]
        )


def convex_adam(fixed: sitk.Image, moving: sitk.Image, affine: sitk.Transform) -> sitk.Transform:
    """Registers by the parts of ConvexAdam in this project, over the whole volume, after an affine map.

    The rounds, rate, smoothness and nodes of Adam, and the free displacement field, are those of the authors' program;
    the convex start is that of our dense stage.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        affine: The map to start from.

    Returns:
        The transform of fixed points to moving points.
    """
    grid = WorkingGrid.between(*extent(fixed), SPACING_MM)
    first = windowed(fixed, grid)
    second = sitk.Resample(windowed(moving, WorkingGrid.between(*extent(moving), SPACING_MM)), first, affine)
    one, other = (mind_ssc(torch.from_numpy(sitk.GetArrayFromImage(image))[None, None]) for image in (first, second))
    coarse, start, distance = convex_start(one, other, torch.ones_like(one[:, :1]))
    pooled = [functional.avg_pool3d(features, _NODE) for features in (one, other)]
    nodes = identity(pooled[0])
    field = (sample(coarse, (nodes * _NODE + (_NODE - 1) / 2 - start) / distance) / _NODE).requires_grad_()
    optimizer = Adam(field)
    for _ in range(_ROUNDS):
        flow = smoothed(field, 3)
        loss = 12 * (sample(pooled[1], nodes + flow) - pooled[0]).square().mean() + _ROUGHNESS * roughness(flow)
        optimizer.step(torch.autograd.grad(loss, field)[0], _RATE)
    return sitk.CompositeTransform([affine, field_transform(_in_mm(smoothed(field.detach(), 3), one, grid))])


def _in_mm(flow: Tensor, like: Tensor, grid: WorkingGrid) -> sitk.Image:
    places = (identity(like[:, :1]) - (_NODE - 1) / 2) / _NODE
    whole = sample(flow, places)[0].permute(1, 2, 3, 0).double().numpy() * _NODE * SPACING_MM
    return grid.image(whole, is_vector=True)


OTHERS: dict[str, Registering] = {"syn": syn, "convex-adam": convex_adam}
