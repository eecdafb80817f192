"""A coarse displacement by coupled convex optimization, the start of the dense stage.

Siebert, Großbröhmer, Hansen, Heinrich, "ConvexAdam: Self-Configuring Dual-Optimization-Based 3D Multitask Medical Image
Registration", IEEE TMI 44 (2025), section III-B, after Heinrich, Papież, Schnabel, Handels, "Non-parametric discrete
registration with convex optimisation", WBIR 2014. Each node of a lattice chooses one of a dense set of displacements.
The choice and its smoothed copy alternate, coupled by a weight that grows.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from NephroSynthLib.registration.velocity import smoothed

POOL = 2
REACH = 3
STRIDE = 2
_COUPLINGS = (0.01, 0.03, 0.1, 0.3)
_PATCH = 3


def convex_start(fixed: Tensor, moving: Tensor, weight: Tensor) -> tuple[Tensor, float, float]:
    """Finds the displacement that makes features alike and is smooth.

    Args:
        fixed: (1, channels, z, y, x) features.
        moving: Features of the moving image on the same grid.
        weight: (1, 1, z, y, x) in [0, 1]; zero where the features do not count.

    Returns:
        The displacement (1, 3, z', y', x') in voxels of the input, in the order x, y, z, the index of its first node on
        the input grid, and the distance of its nodes in voxels. A node without weight follows its neighbours.
    """
    choices, cost = _costs(*(functional.avg_pool3d(tensor, POOL) for tensor in (fixed, moving, weight)))
    shape = cost.shape[1:]
    cost = cost.flatten(1)
    cost = cost - cost.amin(dim=0)
    cost = cost / cost.mean().clamp(min=1e-12)
    confidence = (cost.mean(dim=0) + 1e-3).view(1, 1, *shape)

    def chosen(total: Tensor) -> Tensor:
        return choices[total.argmin(dim=0)].T.reshape(1, 3, *shape)

    lengths = choices.square().sum(dim=1, keepdim=True)
    displacement = chosen(cost + 1e-3 * lengths)
    for coupling in _COUPLINGS:
        smooth = _averaged(displacement, confidence, 2).flatten(2)[0]
        distances = lengths - 2 * choices @ smooth
        displacement = chosen(cost + coupling * distances)
    return _averaged(displacement, confidence, 1) * POOL, (POOL - 1) / 2, float(POOL * STRIDE)


def _costs(fixed: Tensor, moving: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Returns all displacements (n, 3) in pooled voxels, and the cost of each at each node, (n, z', y', x')."""
    padded = functional.pad(moving, (REACH,) * 6, mode="replicate")
    z, y, x = fixed.shape[2:]
    choices, costs = [], []
    for dz, dy, dx in product(range(2 * REACH + 1), repeat=3):
        shifted = padded[:, :, dz : dz + z, dy : dy + y, dx : dx + x]
        difference = (fixed - shifted).square().mean(dim=1, keepdim=True) * weight
        costs.append(functional.avg_pool3d(difference, _PATCH, STRIDE, _PATCH // 2, count_include_pad=False))
        choices.append((dx - REACH, dy - REACH, dz - REACH))
    return torch.tensor(choices, dtype=torch.float32), torch.cat(costs, dim=1)[0]


def _averaged(field: Tensor, confidence: Tensor, times: int) -> Tensor:
    return smoothed(field * confidence, times) / smoothed(confidence, times)
