"""ASCII as in its paper: new volumes slice after slice, by the network of the methods without the phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch

from NephroSynthLib.generators.abdomen import AbdomenGenerator, message
from NephroSynthLib.methods.ascii import OWN_STEPS, AsciiConfig, AsciiNetwork, slice_after_slice, with_slices_before
from NephroSynthLib.methods.method import HU, Example, Sample
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator


class _AsciiGenerator(AsciiNetwork, AbdomenGenerator):
    most_slices: ClassVar[int | None] = None
    own_steps: ClassVar[int | None] = OWN_STEPS

    @classmethod
    def default(cls) -> AsciiConfig:
        """See `AsciiNetwork.default`."""
        count = cls.slices
        return AsciiConfig(network=unet(flat=True, image_channels=count, condition_channels=0, out_channels=count))

    @classmethod
    def sample_of(cls, example: Example) -> Sample:
        """See `Trainable.sample_of`."""
        return {"image": with_slices_before(example.nephrographic, cls.slices)}

    def generate(self, slices: int, steps: int, seed: int, progress: Progress) -> HU:
        """See `Generator.generate`; section 3.2."""
        device = next(self.network.parameters()).device
        nothing = torch.zeros((1, 0, slices, *self.crop[1:]), device=device)
        return slice_after_slice(self.denoiser, self.slices, nothing, None, steps, seed, progress, message(device))


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
