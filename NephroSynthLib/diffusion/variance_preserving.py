"""The variance-preserving process of DDPM in discrete steps, with alpha^2 + sigma^2 = 1 (Ho et al. 2020).

Step 0 is the clean image and step T is noise. The factor of the image at T, below 1e-4, is too small to tell a sampler
anything (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed").
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from NephroSynthLib.diffusion.process import Process, Time

ScheduleKind = Literal["cosine", "linear"]

MAX_BETA = 0.999  # Nichol & Dhariwal 2021, below eq. 17; also keeps the signal-to-noise ratio of step T above zero.
MAX_STEPS = 100_000


class VariancePreserving(Process):
    """The process x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise on the integer steps t from 0 to T.

    Args:
        kind: 'cosine' (Nichol & Dhariwal 2021, eq. 17) or 'linear' (Ho et al. 2020, section 4), rescaled to end
            in noise (Lin et al. 2024, algorithm 1).
        steps: T, the number of training steps.

    Raises:
        ValueError: The kind is unknown, or the steps are not from 2 to 100,000.
    """

    def __init__(self, kind: ScheduleKind = "cosine", steps: int = 1000) -> None:
        if kind not in get_args(ScheduleKind):
            raise ValueError(f"Unknown schedule '{kind}'; there are {', '.join(get_args(ScheduleKind))}.")
        if not 2 <= steps <= MAX_STEPS:
            raise ValueError(f"A schedule has from 2 to {MAX_STEPS} steps, got {steps}.")
        self.kind = kind
        self.end = steps
        self.alpha_bar = _limit_betas(_cosine(steps) if kind == "cosine" else _linear(steps))

    def alpha(self, t: Time) -> Tensor:
        """See `Process.alpha`."""
        return self._at(t).sqrt()

    def sigma(self, t: Time) -> Tensor:
        """See `Process.sigma`."""
        return (1 - self._at(t)).sqrt()

    def label(self, t: Tensor) -> Tensor:
        """Returns the step scaled to 0..1000."""
        return t * (1000 / self.end)

    def times(self, count: int) -> list[int]:
        """Returns steps evenly down from T to 0 ('trailing', Lin et al. 2024, table 2); see `Process.times`."""
        if not 1 <= count <= self.finest:
            raise ValueError(f"Sampling steps must be from 1 to {self.finest}, got {count}.")
        return [round(self.end * (count - index) / count) for index in range(count + 1)]

    def random_times(self, count: int, device: torch.device) -> Tensor:
        """Returns uniform steps from 1 to T; see `Process.random_times`."""
        return torch.randint(1, self.finest + 1, (count,), device=device)

    @property
    def finest(self) -> int:
        """T, the number of training steps."""
        return int(self.end)

    def _at(self, t: Time) -> Tensor:
        return self.alpha_bar[t.cpu() if isinstance(t, Tensor) else int(t)]


def _cosine(steps: int) -> Tensor:
    """Nichol & Dhariwal 2021, eq. 17, with s = 0.008."""
    t = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    return f / f[0]


def _linear(steps: int) -> Tensor:
    """Betas from 1e-4 to 0.02 at T = 1000 (Ho et al. 2020), rescaled to no signal at T (Lin et al. 2024, alg. 1)."""
    scale = 1000 / steps
    beta = torch.linspace(1e-4 * scale, min(0.02 * scale, MAX_BETA), steps, dtype=torch.float64)
    root = torch.cumprod(1 - beta, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return torch.cat([torch.ones(1, dtype=torch.float64), root**2])


def _limit_betas(alpha_bar: Tensor) -> Tensor:
    beta = (1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=MAX_BETA)
    return torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])
