"""MIND-SSC: features that describe the local self-similarity of an image and do not depend on its contrast.

Heinrich, Jenkinson, Papież, Brady, Schnabel, "Towards realtime multimodal fusion for image-guided interventions using
self-similarities", MICCAI 2013, section 2. Enhancement changes the HU of an organ but not where its borders lie, so
both phases of an exam have nearly the same features.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

_NEIGHBOURS = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
_LEAST_SHARE, _LARGEST_SHARE = 0.05, 20.0
"""Bounds of the local variance, as shares of its mean over the image."""


def mind_ssc(image: Tensor, floor: float = 0.0) -> Tensor:
    """Computes the MIND-SSC features of an image.

    Each channel compares two patches of 3x3x3 voxels around neighbours of a voxel: exp(-D / V), where D is the mean
    squared difference of the patches minus the least one of all channels, and V the mean over the channels (equations 1
    and 2 of the paper).

    Args:
        image: (1, 1, z, y, x) intensities.
        floor: The least V, in squared intensities. Differences well below it count as noise.

    Returns:
        (1, 12, z, y, x) in (0, 1].
    """
    padded = functional.pad(image, (1,) * 6, mode="replicate")
    size = image.shape[2:]
    shifted = [
        padded[:, :, 1 + dz : 1 + dz + size[0], 1 + dy : 1 + dy + size[1], 1 + dx : 1 + dx + size[2]]
        for dz, dy, dx in _NEIGHBOURS
    ]
    squared = torch.cat([(shifted[first] - shifted[second]).square() for first, second in _pairs()], dim=1)
    distance = functional.avg_pool3d(functional.pad(squared, (1,) * 6, mode="replicate"), 3, stride=1)
    distance = distance - distance.amin(dim=1, keepdim=True)
    variance = distance.mean(dim=1, keepdim=True)
    mean = float(variance.mean())
    least = max(_LEAST_SHARE * mean, floor, 1e-12)
    return torch.exp(-distance / variance.clamp(least, max(_LARGEST_SHARE * mean, least)))


def _pairs() -> list[tuple[int, int]]:
    """Returns the twelve pairs of neighbours that do not lie opposite each other."""
    return [
        (first, second)
        for first, second in combinations(range(len(_NEIGHBOURS)), 2)
        if any(a + b for a, b in zip(_NEIGHBOURS[first], _NEIGHBOURS[second], strict=True))
    ]
