"""Fréchet distance between the features of two sets of volumes, with an exchangeable feature network.

With Inception features of slices this is FID (Heusel et al., NeurIPS 2017), with I3D features of volumes FVD
(Unterthiner et al., 2018). Neither network ships here, and neither saw a CT: `TextureFeatures`, the default, measures
intensity and texture directly. Its distances rank methods within this project and compare with no published FID or FVD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.window import to_window

Size = tuple[int, int, int]


class FeatureNetwork(Protocol):
    """Anything that turns volumes (n, 1, z, y, x) in the unit window [-1, 1] into features (n, d).

    A `torch.nn.Module` or a TorchScript module that the caller has loaded is one as it stands.
    """

    def __call__(self, volumes: torch.Tensor, /) -> torch.Tensor:
        """Features (n, d) of volumes (n, 1, z, y, x)."""
        ...


class TextureFeatures:
    """Intensity and texture at three scales: 25 numbers for each volume, without learned weights.

    A histogram of seven soft bins over the window; then at full, half and quarter resolution the mean and spread of the
    intensity, the mean and spread of the gradient's magnitude in the plane, the mean of that through it, and the
    spread of the Laplacian.
    """

    bins = 7
    scales = 3

    def __call__(self, volumes: torch.Tensor, /) -> torch.Tensor:
        """Features (n, 25) of volumes (n, 1, z, y, x) in [-1, 1]."""
        features = list(self._histogram(volumes))
        for _ in range(self.scales):
            features += self._texture(volumes)
            volumes = F.avg_pool3d(volumes, [2 if size > 3 else 1 for size in volumes.shape[2:]])
        return torch.stack(features, dim=1)

    def _histogram(self, volumes: torch.Tensor) -> torch.Tensor:
        centres = torch.linspace(-1, 1, self.bins, device=volumes.device, dtype=volumes.dtype)
        width = 2 / (self.bins - 1)
        bins = [(1 - (volumes - centre).abs() / width).clamp(min=0) for centre in centres]
        return torch.stack([weights.mean(dim=(1, 2, 3, 4)) for weights in bins])

    def _texture(self, volumes: torch.Tensor) -> list[torch.Tensor]:
        volumes = F.pad(volumes, (1, 1, 1, 1, 1, 1), mode="replicate")
        core = volumes[:, :, 1:-1, 1:-1, 1:-1]
        steps = {}
        for axis in (2, 3, 4):
            inner = volumes
            for other in {2, 3, 4} - {axis}:
                inner = inner.narrow(other, 1, volumes.shape[other] - 2)
            count = volumes.shape[axis] - 2
            steps[axis] = (inner.narrow(axis, 0, count), inner.narrow(axis, 2, count))
        slope = {axis: (after - before) / 2 for axis, (before, after) in steps.items()}
        in_plane = (slope[3] ** 2 + slope[4] ** 2).sqrt()
        laplacian = torch.stack([before + after - 2 * core for before, after in steps.values()]).sum(dim=0)
        dims = (1, 2, 3, 4)
        return [
            core.mean(dims),
            core.std(dims, unbiased=False),
            in_plane.mean(dims),
            in_plane.std(dims, unbiased=False),
            slope[2].abs().mean(dims),
            laplacian.std(dims, unbiased=False),
        ]


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets of features (Dowson and Landau, 1982).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2). The last root is taken of a symmetric positive product, by its
    eigenvalues, which stays real where fewer samples than features make the covariances singular.

    Args:
        first: features (n, d), n at least 2.
        second: features (m, d), m at least 2.

    Returns:
        A number of at least 0, in squared units of the features.

    Raises:
        GeometryError: If the widths differ or a set has fewer than two rows.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise GeometryError(
            "A Fréchet distance needs two tables of features of equal width with two rows or more, "
            f"not {first.shape} and {second.shape}.",
            Action.GIVE_MORE_VOLUMES,
        )
    a, b = first.astype(np.float64), second.astype(np.float64)
    shift = a.mean(axis=0) - b.mean(axis=0)
    cov_a, cov_b = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (a, b))
    root_a = _symmetric_root(cov_a)
    mixed = np.linalg.eigvalsh(root_a @ cov_b @ root_a)
    distance = shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(mixed.clip(min=0)).sum()
    return max(0.0, float(distance))


def extract_features(volumes: Sequence[np.ndarray], network: FeatureNetwork, batch: int = 64) -> np.ndarray:
    """Features (n, d) of volumes in HU, (z, y, x), all of one shape; a slice is a volume with a side of one voxel."""
    parts = []
    for start in range(0, len(volumes), batch):
        unit = to_window(np.stack(volumes[start : start + batch])).astype(np.float32)
        with torch.no_grad():
            parts.append(network(torch.from_numpy(unit)[:, None]).cpu().numpy())
    return np.concatenate(parts)


def patches(volume: np.ndarray, size: Size, stride: Size, mask: np.ndarray | None = None) -> list[np.ndarray]:
    """Windows (z, y, x) of a volume; with a mask, only those with a centre voxel inside it. Views, no copies."""
    windows = np.lib.stride_tricks.sliding_window_view(volume, size)[tuple(slice(None, None, step) for step in stride)]
    chosen = []
    for index in np.ndindex(windows.shape[:3]):
        centre = tuple(i * step + side // 2 for i, step, side in zip(index, stride, size, strict=True))
        if mask is None or mask[centre]:
            chosen.append(windows[index])
    return chosen


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
