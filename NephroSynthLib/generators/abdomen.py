"""The case that all generators learn from: the nephrographic phase alone, over the full range of HU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import JsonValue

from NephroSynthLib.imaging.full_range import MOST_HU, to_full_range
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.methods.method import Example, Sample
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.models.device import in_words
from NephroSynthLib.networks.blocks import Size


class AbdomenGenerator:
    """Base of generators of slices of 128 x 128 mm around the kidneys."""

    name: ClassVar[str]
    title: ClassVar[str]
    crop: ClassVar[Size] = SLAB
    window_hu: ClassVar[tuple[float, float]] = (AIR_HU, MOST_HU)
    normalization: ClassVar[Mapping[str, JsonValue]] = {
        "range": "-1024 to 3071 HU as -1 to 1",
        "learned": "nephrographic phase around the kidneys",
        "spacing_mm": "1.0 x 1.0 x 2.0",
    }
    most_slices: ClassVar[int | None] = 1
    own_steps: ClassVar[int | None] = None

    @classmethod
    def sample_of(cls, example: Example) -> Sample:
        """See `Trainable.sample_of`."""
        return {"image": to_full_range(example.nephrographic)[None]}


def message(device: torch.device) -> str:
    """Returns the text that tells the progress of a generator."""
    return f"Generating ({in_words(device)})"
