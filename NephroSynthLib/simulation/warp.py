"""A smooth random warp that makes every painted shape less regular without opening gaps between neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Warp:
    """A sum of plane waves.

    Attributes:
        waves: (n, 3) wave vectors in radians per mm.
        phases: (n,) radians.
        amplitudes: (n, 3) mm.
    """

    waves: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    def __call__(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the (3, ...) displacement in mm at points of the reference frame relative to the anatomy's origin."""
        total = torch.zeros((3, *torch.broadcast_shapes(x.shape, y.shape, z.shape)))
        for wave, phase, amplitude in zip(self.waves, self.phases, self.amplitudes, strict=True):
            swing = torch.sin(float(wave[0]) * x + float(wave[1]) * y + float(wave[2]) * z + float(phase))
            for k in range(3):
                total[k].add_(swing, alpha=float(amplitude[k]))
        return total

    def inverse(self, point: tuple[float, float, float]) -> NDArray[np.float64]:
        """Returns the point (x, y, z) that the warp carries to `point`, by fixed-point iteration."""
        target = np.asarray(point, dtype=float)
        moved = target.copy()
        for _ in range(20):
            moved = target - self(*(torch.tensor(c) for c in moved)).double().numpy()
        return moved


def draw_warp(rng: np.random.Generator) -> Warp:
    """Draws 14 waves of 70 to 260 mm, together a few mm: they bend organs and stay invertible."""
    count = 14
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = np.exp(rng.uniform(np.log(70), np.log(260), count))
    strength = float(rng.uniform(0.4, 1.3))
    amplitude = rng.standard_normal((count, 3)) * (strength * 0.009 * length)[:, None]
    return Warp(direction * (2 * np.pi / length)[:, None], rng.uniform(0, 2 * np.pi, count), amplitude)
