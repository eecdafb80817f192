"""The interface that every generator offers. This file imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from NephroSynthLib.methods.method import HU, Trainable
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

    from NephroSynthLib.models.bundle import ModelBundle


class Generator(Trainable, Protocol):
    """Makes new CT of the abdomen around the kidneys, in the nephrographic phase, from noise alone.

    A pixel is as large as those of the cases that it learned from. The image has the sides of its crops.

    Attributes:
        most_slices: Slices of the largest image: 1 for a generator of slices, None for volumes of any height.
        own_steps: Denoising steps where none are wanted; None for a generator that makes an image in one call.
    """

    most_slices: ClassVar[int | None]
    own_steps: ClassVar[int | None]

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """Returns the generator with the configuration and the weights of a bundle, on a device.

        Raises:
            ModelError: The configuration is not one of this generator, or the weights do not fit it.
        """
        ...

    def generate(self, slices: int, steps: int, seed: int, progress: Progress) -> HU:
        """Returns one new image in HU, (slices, y, x), within `window_hu`.

        Args:
            slices: Its height, at most `most_slices`.
            steps: Denoising steps, where the method has some.
            seed: Seed of the noise; the same seed on the same device gives the same voxels.
            progress: Told the fraction that is done; may cancel.
        """
        ...
