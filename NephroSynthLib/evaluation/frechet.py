"""Fréchet distance between the features of two sets of volumes, with an exchangeable feature network.

With Inception features of slices the distance is FID (Heusel et al., NeurIPS 2017), with I3D features of volumes it is
FVD (Unterthiner et al., 2018). Neither network is part of this project, and neither was trained on CT. The default,
`TextureFeatures`, measures intensity and texture directly. Its distances rank methods within this project and cannot be
compared with a published FID or FVD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.networks.blocks import Size


class FeatureNetwork(Protocol):
    """Turns volumes (n, 1, z, y, x) in the unit window [-1, 1] into features (n, d).

    Any `torch.nn.Module` or TorchScript module with such a `forward` fits.
    """

    def __call__(self, volumes: torch.Tensor, /) -> torch.Tensor:
        """Returns the features (n, d) of volumes (n, 1, z, y, x)."""
        ...


class TextureFeatures:
    """Measures intensity and texture at three scales: 25 numbers for each volume, without learned weights.

    The first seven are a histogram of soft bins over the window. Six follow for each of full, half and quarter
    resolution: mean and spread of the intensity, mean and spread of the magnitude of the gradient in the axial plane,
    mean of the magnitude of the gradient across slices, and spread of the Laplacian.
    """

    bins = 7
    scales = 3

    def __call__(self, volumes: torch.Tensor, /) -> torch.Tensor:
        """Returns the features (n, 25) of volumes (n, 1, z, y, x) in [-1, 1]."""
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


def frechet_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Returns the squared Fréchet distance between Gaussians fitted to two sets of features.

    It is |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2) (Dowson and Landau, 1982). The outer root is that of a
    symmetric positive matrix and is taken by eigenvalues. So it stays real even with fewer samples than features, which
    make the covariances singular.

    Args:
        first: Features (n, d), n at least 2.
        second: Features (m, d), m at least 2.

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


def extract_features(
    volumes: Sequence[NDArray[np.floating]], network: FeatureNetwork, batch: int = 64
) -> NDArray[np.floating]:
    """Extracts the features of volumes.

    Args:
        volumes: HU, each (z, y, x), all of one shape; a slice is a volume with a side of one voxel.
        network: The feature network.
        batch: Number of volumes that the network takes at once.

    Returns:
        Features (n, d).
    """
    parts = []
    for start in range(0, len(volumes), batch):
        unit = to_window(np.stack(volumes[start : start + batch])).astype(np.float32)
        with torch.no_grad():
            parts.append(network(torch.from_numpy(unit)[:, None]).cpu().numpy())
    return np.concatenate(parts)


def patches(
    volume: NDArray[np.floating], size: Size, stride: Size, mask: NDArray[np.bool_] | None = None
) -> list[NDArray[np.floating]]:
    """Cuts a volume into windows of one size, as views without copies.

    Args:
        volume: HU, (z, y, x).
        size: Size of a window.
        stride: Steps between windows.
        mask: Where given, only windows whose centre voxel is inside it are returned.
    """
    windows = np.lib.stride_tricks.sliding_window_view(volume, size)[tuple(slice(None, None, step) for step in stride)]
    chosen = []
    for index in np.ndindex(windows.shape[:3]):
        centre = tuple(i * step + side // 2 for i, step, side in zip(index, stride, size, strict=True))
        if mask is None or mask[centre]:
            chosen.append(windows[index])
    return chosen


def _symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
