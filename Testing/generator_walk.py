"""The walk that every generator must take: from training to a bundle to new images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from method_walk import batch_of, bundled, train

from NephroSynthLib.generators.generator import Generator
from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.generators.roster import restore_generator
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.progress import Progress

TINY = LatentConfig(latent=8, widths=(8, 8, 4))
"""Slices of 16 x 16 pixels."""
SHAPE: Size = (2, 16, 16)


def images(generator: Generator, slices: int, seed: int = 0) -> np.ndarray:
    """A new image, checked for its shape, type and range."""
    hu = generator.generate(slices, 2, seed, Progress())
    assert hu.shape == (slices, *generator.crop[1:])
    assert hu.dtype == np.float32
    assert generator.window_hu[0] <= hu.min() <= hu.max() <= generator.window_hu[1]
    return hu


def generator_walk(
    generator: Generator, folder: Path, *, steps: int, share: float | None, slices: int = 1, shape: Size = SHAPE
) -> Any:
    """Trains a generator on a tiny batch, bundles it, restores it and generates with it.

    Args:
        generator: With new weights.
        folder: Takes the bundle.
        steps: Batches to train for.
        share: The validation loss must fall below this share of that before; None where it is no loss that falls.
        slices: Height of the images.
        shape: Size of the crops.

    Returns:
        The restored generator.
    """
    torch.manual_seed(0)
    before, after = train(generator, batch_of(generator, shape=shape), steps)
    assert share is None or after < share * before, (before, after)
    generator.network.eval()
    restored = restore_generator(bundled(generator, folder, "generation"), "cpu")
    made = images(restored, slices)
    np.testing.assert_allclose(made, images(generator, slices), atol=0.5)
    assert not np.array_equal(made, images(restored, slices, seed=1))
    return restored
