"""The part that diffusion methods in the window 400/50 share: their configuration, bundles, tiles and steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import JsonValue
from torch import Tensor, nn
from typing_extensions import Self

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.samplers import Sampler
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, from_window
from NephroSynthLib.methods.condition import (
    NORMALIZATION,
    check_inputs,
    condition_channels,
    exam_context,
    windowed_sample,
)
from NephroSynthLib.methods.method import HU, Case, Example, Sample
from NephroSynthLib.methods.tiled_sampling import sample_tiled
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion, restore_denoiser
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings


class DenoiserOwner:
    """Base of methods and generators whose network is one denoiser; a subclass brings its default configuration."""

    default: ClassVar[SwinDiffusion]

    def __init__(self, configuration: SwinDiffusion, denoiser: Denoiser) -> None:
        self.configuration = configuration
        self.denoiser = denoiser

    @property
    def network(self) -> nn.Module:
        """The network, whose weights the bundle holds."""
        return self.denoiser.network

    @classmethod
    def untrained(cls) -> Self:
        """See `Trainable.untrained`."""
        return cls(cls.default, cls.default.build())

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Method.restore`."""
        configuration = bundle.configuration(SwinDiffusion)
        check_inputs(bundle, configuration.network, cls.default.network)
        return cls(configuration, restore_denoiser(bundle, device))


class WindowedDiffusion(DenoiserOwner, ABC):
    """Base of diffusion methods that see both phases and the exam's context.

    A subclass names itself, its crop, configuration, sampler and steps, and brings its training. One that takes its
    steps otherwise overrides `steps` and has no `own_steps`.

    Attributes:
        own_steps: Steps where the settings ask for one, their default, which suits a method that predicts the image
            at once but not one that samples.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    crop: ClassVar[Size]
    window_hu: ClassVar[tuple[float, float]] = (LOWER_HU, UPPER_HU)
    mean_in_one_step: ClassVar[bool] = False
    normalization: ClassVar[Mapping[str, JsonValue]] = NORMALIZATION
    own_steps: ClassVar[int]

    @abstractmethod
    def sampler(self, settings: SynthesisSettings) -> Sampler:
        """Returns the sampler of the method's paper, or that of the settings where the paper leaves a choice."""

    def steps(self, settings: SynthesisSettings) -> int:
        """Returns the steps that are taken."""
        return steps_of(settings, self.own_steps)

    @staticmethod
    def inputs(case: Case) -> tuple[Tensor, Tensor | None]:
        """Returns condition (1, K, z, y, x) and context (1, F), or None, of a case."""
        return torch.from_numpy(condition_channels(case))[None], torch.from_numpy(exam_context(case.contrast))[None]

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        return windowed_sample(example)

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`."""
        sampler, steps = self.sampler(settings), self.steps(settings)
        image = sample_tiled(self.denoiser, sampler, *self.inputs(case), steps, seed, progress)
        return from_window(image.clamp(-1, 1)).cpu().numpy()


def steps_of(settings: SynthesisSettings, own: int) -> int:
    """Returns the steps of the settings where they ask for more than one, else the method's own number."""
    return settings.steps if settings.steps > 1 else own
