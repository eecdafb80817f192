"""ASCII: slices of 12 bits, each from those before it, by a score-based model (Jeong et al. 2023, MICCAI, pp. 366-375).

The network knows K neighbouring slices as K channels. A volume is made from head to foot: the K - 1 slices before are
known, the next one is inpainted beside them. The first ones follow slices of air. The paper generates slices from noise
alone. Here each slice is also conditioned on both phases and on the contrast of the exam.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from torch import Tensor, nn
from typing_extensions import Self

from NephroSynthLib.diffusion.denoiser import Denoiser, Prediction
from NephroSynthLib.diffusion.predictor_corrector import PredictorCorrector, inpainting
from NephroSynthLib.diffusion.samplers import OnStep
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.imaging.full_range import HALF_RANGE_HU, MOST_HU
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.methods.condition import CONTEXT_FEATURES, KIDNEY_WEIGHT, check_inputs, exam_context
from NephroSynthLib.methods.method import HU, Case, Example, Sample, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.methods.windowed_diffusion import steps_of
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.models.device import autocast, in_words
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining

OWN_STEPS = 50
UNIT_HU = 400.0
"""HU of one unit of an image. CT around the kidneys has a mean of about 0 HU and a standard deviation of about 200, so
that of an image is the 0.5 that the preconditioning of `Denoiser` assumes."""
RANGE = (AIR_HU / UNIT_HU, MOST_HU / UNIT_HU)
NORMALIZATION: Mapping[str, JsonValue] = {
    "range": "-1024 to 3071 HU, divided by 400",
    "order": "slices from head to foot, air before the first",
}


class AsciiConfig(BaseModel):
    """Configuration of ASCII.

    Attributes:
        network: Architecture of the score network; its image channels are the K slices.
        sigma_min: The least noise, for images in [-1, 1], where a change of 1 HU is 0.0005 (section 3.1).
        sigma_max: The most noise, in the same unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    network: SwinDenoiserConfig
    sigma_min: float = Field(0.001, gt=0)
    sigma_max: float = Field(1348.0, gt=0)

    def wrap(self, network: nn.Module) -> Denoiser:
        """Returns the denoiser of a score network (eq. 3), preconditioned as in Karras et al. 2022, table 1."""
        lowest, highest = (sigma * HALF_RANGE_HU / UNIT_HU for sigma in (self.sigma_min, self.sigma_max))
        return Denoiser(network, VarianceExploding(lowest, highest), "residual")


def with_slices_before(hu: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Returns each slice, from head to foot, beside the slices before it; air lies before the first one.

    Args:
        hu: Shape (z, y, x), from foot to head.
        count: K, the number of slices.

    Returns:
        Images in `RANGE`, shape (K, z, y, x), from head to foot; the last channel is the slice itself.
    """
    volume = (hu.clip(AIR_HU, MOST_HU) / UNIT_HU).astype(np.float32)
    downwards = np.concatenate([np.full((count - 1, *volume.shape[1:]), RANGE[0], np.float32), volume[::-1]])
    return np.stack([downwards[k : k + len(volume)] for k in range(count)])


def slice_after_slice(
    denoiser: Denoiser,
    slices: int,
    condition: Tensor,
    context: Tensor | None,
    steps: int,
    seed: int,
    progress: Progress,
    message: str,
) -> HU:
    """Makes a volume from head to foot, each slice inpainted beside those before it (section 3.2).

    Args:
        denoiser: Of neighbouring slices.
        slices: K, their number.
        condition: Shape (1, C, z, y, x), from head to foot, on the denoiser's device; C may be 0.
        context: Shape (1, F), or None.
        steps: Steps of each slice.
        seed: Seed of the noise.
        progress: Told after each step.
        message: Its text.

    Returns:
        HU, (z, y, x), from foot to head.
    """
    device, (count, *plane) = condition.device, condition.shape[2:]
    generator = torch.Generator(device).manual_seed(seed)
    before = torch.full((1, slices - 1, 1, *plane), RANGE[0], device=device)
    made: list[Tensor] = []
    with torch.inference_mode(), autocast(device):
        for index in range(count):
            part = partial(progress.part(index / count, (index + 1) / count).update, message=message)
            here = condition[:, :, index : index + 1]
            image = _next(denoiser, before, here, context, steps, generator, part)
            made.append(image)
            before = torch.cat([before, image], dim=1)[:, 1:]
    return torch.cat(made, dim=2)[0, 0].float().cpu().numpy()[::-1].clip(*RANGE) * np.float32(UNIT_HU)


def _next(
    denoiser: Denoiser,
    before: Tensor,
    condition: Tensor,
    context: Tensor | None,
    steps: int,
    generator: torch.Generator,
    on_step: OnStep,
) -> Tensor:
    """Returns the next slice (1, 1, 1, y, x), inpainted beside the ones before it."""
    process = denoiser.process
    assert isinstance(process, VarianceExploding)

    def denoise(x: Tensor, t: float) -> Prediction:
        return cast("Prediction", denoiser(x, torch.full((1,), t, device=x.device), condition, context))

    noise = torch.randn((1, before.shape[1] + 1, *condition.shape[2:]), generator=generator, device=condition.device)
    told = inpainting(denoise, before, process, generator)
    return PredictorCorrector(process, clean_range=RANGE).sample(told, noise, steps, generator, on_step)[:, -1:]


class AsciiNetwork(ABC):
    """Base of ASCII as a method and as a generator: one network for several slices of the full range of HU.

    Attributes:
        slices: Slices that the network sees at once; the last one is new.
    """

    slices: ClassVar[int]

    def __init__(self, configuration: AsciiConfig, network: SwinDenoiser) -> None:
        self.configuration = configuration
        self.network = network
        self.denoiser = configuration.wrap(network)

    @classmethod
    @abstractmethod
    def default(cls) -> AsciiConfig:
        """Returns the configuration of a new network."""

    @classmethod
    def untrained(cls) -> Self:
        """See `Trainable.untrained`."""
        configuration = cls.default()
        return cls(configuration, SwinDenoiser(configuration.network))

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Method.restore`."""
        configuration = bundle.configuration(AsciiConfig)
        check_inputs(bundle, configuration.network, cls.default().network)
        network = bundle.load_into(lambda: SwinDenoiser(configuration.network))
        return cls(configuration, network.to(device).eval().requires_grad_(False))

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by score matching (eq. 3) at log-uniform noise; see `Trainable`."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l2", terminal=0.0, flat=True)


class _Ascii(AsciiNetwork):
    name: ClassVar[str]
    title: ClassVar[str]
    crop: ClassVar[Size] = SLAB
    window_hu: ClassVar[tuple[float, float]] = (AIR_HU, MOST_HU)
    mean_in_one_step: ClassVar[bool] = False
    normalization: ClassVar[Mapping[str, JsonValue]] = NORMALIZATION

    @classmethod
    def default(cls) -> AsciiConfig:
        """See `AsciiNetwork.default`; each slice has two phases."""
        k = cls.slices
        network = unet(
            flat=True, image_channels=k, out_channels=k, condition_channels=2 * k, context_features=CONTEXT_FEATURES
        )
        return AsciiConfig(network=network)

    @classmethod
    def sample_of(cls, example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        kidneys = (example.kidneys[::-1] > 0.25).astype(np.float32)
        return {
            "image": with_slices_before(example.nephrographic, cls.slices),
            "condition": cls._condition(example.case),
            "context": exam_context(example.case.contrast),
            "weight": 1 + (KIDNEY_WEIGHT - 1) * kidneys[None],
        }

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`; section 3.2."""
        device = next(self.network.parameters()).device
        condition = torch.from_numpy(self._condition(case))[None].to(device)
        context = torch.from_numpy(exam_context(case.contrast))[None].to(device)
        message = f"Synthesizing the nephrographic phase ({in_words(device)})"
        return slice_after_slice(
            self.denoiser, self.slices, condition, context, steps_of(settings, OWN_STEPS), seed, progress, message
        )

    @classmethod
    def _condition(cls, case: Case) -> NDArray[np.float32]:
        return np.concatenate([with_slices_before(hu, cls.slices) for hu in (case.noncontrast, case.excretory)])


class Ascii2(_Ascii):
    """ASCII with one slice before."""

    name: ClassVar[str] = "ascii-2"
    title: ClassVar[str] = "ASCII(2) (doi 10.1007/978-3-031-43999-5_35), small, conditioned"
    slices: ClassVar[int] = 2


class Ascii3(_Ascii):
    """ASCII with two slices before."""

    name: ClassVar[str] = "ascii-3"
    title: ClassVar[str] = "ASCII(3) (doi 10.1007/978-3-031-43999-5_35), small, conditioned"
    slices: ClassVar[int] = 3


if TYPE_CHECKING:
    _conform: tuple[type[TrainableMethod], ...] = (Ascii2, Ascii3)
