"""PatchNCE: a place of the output must resemble the same place of the input more than others (Park et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TEMPERATURE = 0.07


def patch_nce(queries: Tensor, keys: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Returns the mean cross-entropy of finding the key of each query among all keys of its image (Park 2020, eq. 3).

    Args:
        queries: Unit vectors of places of the output, (B, N, C).
        keys: Those of the same places of the input, which count as constants.
        temperature: tau.
    """
    similarity = torch.bmm(queries, keys.detach().transpose(1, 2)) / temperature
    places = torch.arange(queries.shape[1], device=queries.device).expand(len(queries), -1)
    return F.cross_entropy(similarity.flatten(0, 1), places.flatten())


def random_places(levels: Sequence[Tensor], count: int) -> list[Tensor]:
    """Returns up to `count` random places of each level (B, C, z, y, x), as indices into its voxels."""
    return [
        torch.randperm(level[0, 0].numel(), device=level.device)[: min(count, level[0, 0].numel())] for level in levels
    ]


class PatchHeads(nn.Module):
    """Projects features of several levels to unit vectors, by a perceptron of two layers for each level.

    Args:
        channels: Features of each level.
        outputs: Length of the vectors; 256 in the paper.
    """

    def __init__(self, channels: Sequence[int], outputs: int = 64) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, outputs), nn.ReLU(), nn.Linear(outputs, outputs)) for width in channels
        )

    def forward(self, levels: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
        """Returns the vectors (B, N, outputs) of some places of each level (B, C, z, y, x)."""
        return [
            F.normalize(head(level.flatten(2)[:, :, where].transpose(1, 2).float()), dim=2)
            for head, level, where in zip(self.heads, levels, places, strict=True)
        ]
