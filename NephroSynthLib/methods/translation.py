"""The part that all methods with one call of a translator share: their configuration, bundles and tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict, JsonValue
from torch import Tensor, nn
from typing_extensions import Self

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.samplers import Denoise, OnStep
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, from_window
from NephroSynthLib.methods.condition import (
    CONDITION_CHANNELS,
    CONTEXT_FEATURES,
    NORMALIZATION,
    check_inputs,
    condition_channels,
    exam_context,
    windowed_sample,
)
from NephroSynthLib.methods.method import HU, Case, Example, Sample
from NephroSynthLib.methods.tiled_sampling import sample_tiled
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig
from NephroSynthLib.networks.translator import Translator
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings


class TranslatorConfig(BaseModel):
    """Configuration of a translator.

    Attributes:
        network: Architecture of its U-Net.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    network: SwinDenoiserConfig


def translator_config(*, flat: bool) -> TranslatorConfig:
    """Returns the configuration that all methods share which translate both phases and the exam's context."""
    return TranslatorConfig(
        network=unet(
            flat=flat, image_channels=0, condition_channels=CONDITION_CHANNELS, context_features=CONTEXT_FEATURES
        )
    )


class Translation:
    """Base of methods whose network translates both phases, in the window 400/50, in one call.

    A subclass names itself, its crop and its configuration, and brings its training.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    crop: ClassVar[Size]
    window_hu: ClassVar[tuple[float, float]] = (LOWER_HU, UPPER_HU)
    mean_in_one_step: ClassVar[bool] = False
    normalization: ClassVar[Mapping[str, JsonValue]] = NORMALIZATION
    default: ClassVar[TranslatorConfig]

    def __init__(self, configuration: TranslatorConfig, network: Translator) -> None:
        self.configuration = configuration
        self.network = network

    @classmethod
    def untrained(cls) -> Self:
        """See `TrainableMethod.untrained`."""
        return cls(cls.default, Translator(cls.default.network))

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Method.restore`."""
        configuration = bundle.configuration(TranslatorConfig)
        check_inputs(bundle, configuration.network, cls.default.network)
        network = bundle.load_into(lambda: Translator(configuration.network))
        return cls(configuration, network.to(device).eval().requires_grad_(False))

    @staticmethod
    def inputs(case: Case) -> tuple[Tensor, Tensor | None]:
        """Returns condition (1, K, z, y, x) and context (1, F) of a case."""
        return torch.from_numpy(condition_channels(case))[None], torch.from_numpy(exam_context(case.contrast))[None]

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        return windowed_sample(example)

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`; needs no noise and no steps."""
        condition, context = self.inputs(case)
        image = sample_tiled(_AsDenoiser(self.network), _OneCall(), condition, context, 1, seed, progress)
        return from_window(image.clamp(-1, 1)).cpu().numpy()


class _AsDenoiser(nn.Module):
    """A translator that answers to any noise with the same image."""

    def __init__(self, translator: Translator) -> None:
        super().__init__()
        self.translator = translator

    def forward(self, x_t: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Prediction:
        return Prediction(self.translator(condition, context))


class _OneCall:
    """Samples by a single call."""

    def sample(
        self,
        denoise: Denoise,
        noise: Tensor,
        steps: int,
        generator: torch.Generator,
        on_step: OnStep | None = None,
    ) -> Tensor:
        return denoise(noise, 0.0).clean
