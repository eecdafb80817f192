"""Stationary velocity fields and the diffeomorphisms that they generate.

Arsigny, Commowick, Pennec, Ayache, "A Log-Euclidean Framework for Statistics on Diffeomorphisms", MICCAI 2006: scaling
and squaring, algorithm 2. Fields are tensors (1, 3, z, y, x) in voxels, with the components in the order x, y, z.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SQUARINGS = 5


def exponential(velocity: Tensor, squarings: int = SQUARINGS) -> Tensor:
    """Computes the displacement of the flow of a velocity field at time 1; the field ends at the border of its grid.

    Args:
        velocity: (1, 3, z, y, x) in voxels.
        squarings: Number of squarings. The first step is the velocity divided by 2 to this power.

    Returns:
        (1, 3, z, y, x) in voxels. The flow of `-velocity` is its inverse.
    """
    displacement = velocity / 2**squarings
    places = identity(velocity)
    for _ in range(squarings):
        displacement = displacement + sample(displacement, places + displacement)
    return displacement


def identity(like: Tensor) -> Tensor:
    """Returns the voxel indices (1, 3, z, y, x) of a grid, in the order x, y, z."""
    axes = [torch.arange(size, dtype=like.dtype) for size in like.shape[2:]]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z])[None]


def sample(values: Tensor, places: Tensor) -> Tensor:
    """Interpolates values linearly; the border value continues outside.

    Args:
        values: (1, channels, z, y, x).
        places: (1, 3, ...) voxel indices in the order x, y, z; three axes follow.

    Returns:
        (1, channels, ...).
    """
    size = torch.tensor(values.shape[:1:-1], dtype=places.dtype).view(1, 3, 1, 1, 1)
    scaled = 2 * places / (size - 1).clamp(min=1) - 1
    grid = scaled.permute(0, 2, 3, 4, 1)
    return functional.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=True)


def smoothed(field: Tensor, times: int = 2) -> Tensor:
    """Averages a field over 3x3x3 voxels `times` times, which approaches a Gaussian; the border value continues."""
    for _ in range(times):
        field = functional.avg_pool3d(functional.pad(field, (1,) * 6, mode="replicate"), 3, stride=1)
    return field


def roughness(field: Tensor) -> Tensor:
    """Returns the mean squared difference of neighbouring vectors, which is the energy of diffusion."""
    differences = [field.diff(dim=axis).square().mean() for axis in (2, 3, 4)]
    return torch.stack(differences).sum()
