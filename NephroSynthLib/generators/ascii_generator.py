"""ASCII as in its paper: new volumes slice after slice, by the network of the methods without the phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from typing_extensions import Self

from NephroSynthLib.generators.abdomen import AbdomenGenerator, message
from NephroSynthLib.imaging.full_range import to_full_range
from NephroSynthLib.methods.ascii import OWN_STEPS, AsciiConfig, slice_after_slice, with_slices_before
from NephroSynthLib.methods.condition import check_inputs
from NephroSynthLib.methods.method import HU, Example, Sample, TrainingPlan
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.methods.diffusion_training import DiffusionTraining


class _AsciiGenerator(AbdomenGenerator):
    slices: ClassVar[int]
    most_slices: ClassVar[int | None] = None

    def __init__(self, configuration: AsciiConfig, network: SwinDenoiser) -> None:
        self.configuration = configuration
        self.network = network
        self.denoiser = configuration.wrap(network)

    @classmethod
    def default(cls) -> AsciiConfig:
        """Returns the configuration of a new generator."""
        count = cls.slices
        return AsciiConfig(network=unet(flat=True, image_channels=count, condition_channels=0, out_channels=count))

    @classmethod
    def untrained(cls) -> Self:
        """See `Trainable.untrained`."""
        configuration = cls.default()
        return cls(configuration, SwinDenoiser(configuration.network))

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """See `Generator.restore`."""
        configuration = bundle.configuration(AsciiConfig)
        check_inputs(bundle, configuration.network, cls.default().network)
        network = bundle.load_into(lambda: SwinDenoiser(configuration.network))
        return cls(configuration, network.to(device).eval().requires_grad_(False))

    @classmethod
    def sample_of(cls, example: Example) -> Sample:
        """See `Trainable.sample_of`."""
        return {"image": with_slices_before(to_full_range(example.nephrographic), cls.slices)}

    def generate(self, slices: int, steps: int | None, seed: int, progress: Progress) -> HU:
        """See `Generator.generate`; section 3.2."""
        device = next(self.network.parameters()).device
        nothing = torch.zeros((1, 0, slices, *self.crop[1:]), device=device)
        return slice_after_slice(
            self.denoiser, self.slices, nothing, None, steps or OWN_STEPS, seed, progress, message(device)
        )

    def training_module(self, plan: TrainingPlan) -> DiffusionTraining:
        """Returns the training by score matching (eq. 3) at log-uniform noise."""
        from NephroSynthLib.methods.diffusion_training import DiffusionTraining

        return DiffusionTraining(self.denoiser, plan, distance="l2", terminal=0.0, flat=True)


class Ascii2Generator(_AsciiGenerator):
    """ASCII with one slice before."""

    name: ClassVar[str] = "ascii-2"
    title: ClassVar[str] = "ASCII(2) (doi 10.1007/978-3-031-43999-5_35), small"
    slices: ClassVar[int] = 2


class Ascii3Generator(_AsciiGenerator):
    """ASCII with two slices before."""

    name: ClassVar[str] = "ascii-3"
    title: ClassVar[str] = "ASCII(3) (doi 10.1007/978-3-031-43999-5_35), small"
    slices: ClassVar[int] = 3


if TYPE_CHECKING:
    _conform: tuple[type[Generator], ...] = (Ascii2Generator, Ascii3Generator)
