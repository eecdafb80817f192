"""The denoiser D(x_t, t, condition): any network, whatever it predicts, wrapped to return the clean image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from torch import Tensor, nn

from NephroSynthLib.diffusion.schedule import Schedule, ScheduleKind, spread

Parameterization = Literal["image", "noise", "v"]


class Prediction(NamedTuple):
    """What a denoiser says of a noisy image.

    Attributes:
        clean: the clean image, the shape of the noisy one, float32.
        log_variance_fraction: v of Nichol & Dhariwal 2021, eq. 15, the same shape; None where the variance is fixed.
    """

    clean: Tensor
    log_variance_fraction: Tensor | None = None


class Denoiser(nn.Module):
    """Wraps a network of one of three parameterizations into a predictor of the clean image.

    'image': the network's output is the clean image; 'noise': the noise (Ho et al. 2020); 'v': alpha noise - sigma
    x_0 (Salimans & Ho 2022). Noise tells little about the image at the last steps, so image or v suit few steps.

    Args:
        network: called with (x_t, timesteps (B,) scaled to 0..1000, condition, context); returns as many channels as
            the image has, twice as many with a learned variance.
        schedule: the noise schedule it is trained with.
        parameterization: what the network predicts.
        learned_variance: whether the second half of its channels is the variance.

    Raises:
        ValueError: unknown parameterization.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: Schedule,
        parameterization: Parameterization = "image",
        learned_variance: bool = False,
    ) -> None:
        super().__init__()
        if parameterization not in get_args(Parameterization):
            known = ", ".join(get_args(Parameterization))
            raise ValueError(f"Unknown parameterization '{parameterization}'; there are {known}.")
        self.network = network
        self.schedule = schedule
        self.parameterization: Parameterization = parameterization
        self.learned_variance = learned_variance

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None) -> Prediction:
        """Predicts the clean image.

        Args:
            x_t: noisy image, (B, C, z, y, x).
            t: integer steps of the schedule, (B,), from 1 to T.
            condition: (B, K, z, y, x).
            context: (B, F) or None.

        Returns:
            The clean image and, with a learned variance, the fraction of its logarithm.
        """
        output, fraction = self.raw(x_t, t, condition, context)
        return Prediction(self.to_clean(output, x_t, t), fraction)

    def raw(
        self, x_t: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What the network itself predicts, to be compared with `target`, and the log variance fraction."""
        output = self.network(x_t, t * (1000 / self.schedule.steps), condition, context).float()
        if not self.learned_variance:
            return output, None
        output, variance = output.chunk(2, dim=1)
        return output, (variance + 1) / 2

    def target(self, x0: Tensor, noise: Tensor, t: Tensor | int) -> Tensor:
        """What a perfect network would predict for x_t = alpha x_0 + sigma noise."""
        if self.parameterization == "image":
            return x0
        if self.parameterization == "noise":
            return noise
        return spread(self.schedule.alpha(t), x0) * noise - spread(self.schedule.sigma(t), x0) * x0

    def to_clean(self, output: Tensor, x_t: Tensor, t: Tensor | int) -> Tensor:
        """The clean image that a network output means."""
        if self.parameterization == "image":
            return output
        alpha, sigma = spread(self.schedule.alpha(t), x_t), spread(self.schedule.sigma(t), x_t)
        if self.parameterization == "noise":
            return (x_t - sigma * output) / alpha
        return alpha * x_t - sigma * output


@dataclass(frozen=True)
class DiffusionConfig:
    """Everything about a denoiser but its network; JSON in and out.

    Args:
        schedule: kind of the noise schedule.
        steps: T, its training steps.
        parameterization: what the network predicts.
        learned_variance: whether it predicts a variance too.

    Raises:
        ValueError: unknown schedule or parameterization, or a number of steps that no schedule has.
    """

    schedule: ScheduleKind = "cosine"
    steps: int = 1000
    parameterization: Parameterization = "image"
    learned_variance: bool = True

    def __post_init__(self) -> None:
        self.wrap(nn.Identity())

    def wrap(self, network: nn.Module) -> Denoiser:
        """The denoiser of a network."""
        schedule = Schedule(self.schedule, self.steps)
        return Denoiser(network, schedule, self.parameterization, self.learned_variance)
