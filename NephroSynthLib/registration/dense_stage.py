"""Stage 3: a dense, invertible refinement of the fused map in the region around the kidneys.

After ConvexAdam (Siebert et al., IEEE TMI 44, 2025): features of local self-similarity, a discrete start on a coarse
grid, then Adam. Here Adam acts on a stationary velocity field, so the refinement stays invertible. It fades to zero
at the border of the region and in the kidneys that stage 2 has placed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage, special
from torch import Tensor

from NephroSynthLib.progress import Progress
from NephroSynthLib.registration.adam import Adam
from NephroSynthLib.registration.convex_start import convex_start
from NephroSynthLib.registration.dense_region import (
    FADE_MM,
    REACH_MM,
    SPACING_MM,
    DenseRegion,
    dense_region,
    kidney_distance,
)
from NephroSynthLib.registration.fusion import FusedMap, preceded
from NephroSynthLib.registration.mind import mind_ssc
from NephroSynthLib.registration.velocity import exponential, identity, roughness, sample, smoothed

LEAST_JACOBIAN = 0.2
_LEAST_HU, _MOST_HU = -200.0, 300.0
_FAT_TO_TISSUE_HU, _SOFTNESS_HU = -30.0, 20.0
_TISSUE_WEIGHT = 3.0
_NOISE_SIGMA = 0.5
_NODE_VOXELS = 4
_HELD_MM, _RELEASED_MM = 4.0, 10.0
_STEPS, _RATE, _LAST_RATE = 50, 0.2, 0.01
_ROUGHNESS = 0.0025
_POINTS, _SEED = 8_000, 20250226
_SHARES = (1.0, 0.75, 0.5, 0.25)


def refine(
    fixed: sitk.Image,
    moving: sitk.Image,
    masks: Sequence[sitk.Image],
    held: Sequence[sitk.Image],
    fused: FusedMap,
    progress: Progress = Progress(),
) -> FusedMap:
    """Refines the map of stages 1 and 2 around the kidneys.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        masks: For each kidney, an image in the fixed frame that is nonzero in it; at least one.
        held: The masks of the kidneys that stage 2 has placed; the refinement leaves these kidneys alone.
        fused: The map of stages 1 and 2.
        progress: Receives how far the stage got, and raises if the run was cancelled.

    Returns:
        The refined map, with a Jacobian determinant above `LEAST_JACOBIAN` or above that of `fused`. If the
        refinement would compress more than that, a share of it is taken.
    """
    region = dense_region(fixed, moving, masks, fused.transform)
    velocity = _descend(region, held, progress)
    for share in _SHARES:
        displacement = _upsampled(region, exponential(share * velocity / _NODE_VOXELS) * _NODE_VOXELS)
        refined = preceded(fused, region.grid, displacement)
        if refined.min_jacobian > min(LEAST_JACOBIAN, fused.min_jacobian):
            return refined
    return fused


def _descend(region: DenseRegion, held: Sequence[sitk.Image], progress: Progress) -> Tensor:
    """Returns the velocity (1, 3, z', y', x') in voxels on the nodes, from a convex start and Adam."""
    fixed, moving = _features(region.fixed), _features(region.moving)
    free = torch.from_numpy(_freedom(region, held))
    steers = region.steers & (region.kidney_distance < REACH_MM)
    if not steers.any():
        return torch.zeros(1, 3, *free.shape[2:])
    start, first, distance = convex_start(fixed, moving, torch.from_numpy(region.steers.astype(np.float32))[None, None])
    places = identity(free) * _NODE_VOXELS
    parameters = sample(start, (places - first) / distance).requires_grad_()
    optimizer = Adam(parameters)
    steering = torch.from_numpy(np.argwhere(steers)[:, ::-1].astype(np.float32))
    described = fixed[0].permute(1, 2, 3, 0)[torch.from_numpy(steers)]
    generator = torch.Generator().manual_seed(_SEED)
    scale = 1 / (fixed.shape[1] - 1 + _TISSUE_WEIGHT**2)
    for step in range(_STEPS):
        progress.update(0.2 + 0.7 * step / _STEPS, "Dense refinement around the kidneys")
        drawn = torch.randint(len(steering), (min(_POINTS, len(steering)),), generator=generator)
        points = steering[drawn].T.reshape(1, 3, -1, 1, 1)
        flow = exponential(smoothed(parameters, 1) * free / _NODE_VOXELS) * _NODE_VOXELS
        reached = points + sample(flow, points / _NODE_VOXELS)
        difference = sample(moving, reached)[0, :, :, 0, 0].T - described[drawn]
        loss = scale * difference.square().sum(dim=1).mean() + _ROUGHNESS * roughness(parameters)
        (gradient,) = torch.autograd.grad(loss, parameters)
        optimizer.step(gradient, _LAST_RATE + _RATE * (1 - step / _STEPS) ** 0.5)
    return smoothed(parameters.detach(), 1) * free


def _features(hu: NDArray[np.float32]) -> Tensor:
    """Returns MIND-SSC and the membership of tissue as opposed to fat, which enhancement does not change."""
    smooth = ndimage.gaussian_filter(np.clip(hu, _LEAST_HU, _MOST_HU), _NOISE_SIGMA)
    tissue = special.expit((smooth - _FAT_TO_TISSUE_HU) / _SOFTNESS_HU)
    image, membership = (torch.from_numpy(array.astype(np.float32))[None, None] for array in (smooth, tissue))
    return torch.cat([mind_ssc(image), _TISSUE_WEIGHT * membership], dim=1)


def _nodes(region: DenseRegion) -> NDArray[np.float64]:
    """Returns the nodes of the velocity as (z, y, x) indices of the region's grid, (3, z', y', x')."""
    axes = [np.arange((size - 2) // _NODE_VOXELS + 2) * _NODE_VOXELS for size in region.grid.size[::-1]]
    return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float64)


def _freedom(region: DenseRegion, held: Sequence[sitk.Image]) -> NDArray[np.float32]:
    """Returns how much of the velocity is used at each node: none in held kidneys and at the border of the region."""
    nodes = _nodes(region)
    last = np.asarray(region.grid.size[::-1]).reshape(3, 1, 1, 1) - 1
    fade = np.clip(np.minimum(nodes, last - nodes).min(axis=0) * SPACING_MM / FADE_MM, 0.0, 1.0)
    freedom = fade**2 * (3 - 2 * fade)
    if held:
        distance = ndimage.map_coordinates(kidney_distance(region.grid, held), nodes, order=1, mode="nearest")
        freedom = freedom * np.clip((distance - _HELD_MM) / (_RELEASED_MM - _HELD_MM), 0.0, 1.0)
    return freedom[None, None].astype(np.float32)


def _upsampled(region: DenseRegion, flow: Tensor) -> NDArray[np.float64]:
    """Returns a displacement of the nodes on the grid of the region, (z, y, x, 3) in LPS mm."""
    whole = identity(torch.empty(1, 1, *region.grid.size[::-1]))
    displacement = sample(flow, whole / _NODE_VOXELS)[0].permute(1, 2, 3, 0)
    return displacement.double().numpy() * SPACING_MM
