"""The pictures of a study: equal window, equal noise where wanted, shuffled, with neutral names."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.reader_study.grain import with_equal_noise
from NephroSynthLib.reader_study.paired_slices import PairedSlice
from NephroSynthLib.reader_study.study_key import Origin, PictureKey

_FEWEST_DIGITS = 3


@dataclass(frozen=True)
class Window:
    """The grey window of all pictures: width and level in HU."""

    width: float
    level: float


@dataclass(frozen=True)
class BlindedPicture:
    """A picture that tells nothing about its origin.

    Attributes:
        name: Its number in the shuffled order, such as 'p007'; the letter keeps spreadsheets from dropping zeros.
        png: The file, without any metadata.
        key: The truth about it, which readers do not get.
    """

    name: str
    png: bytes
    key: PictureKey


def blinded_pictures(
    slices: Sequence[PairedSlice], window: Window, equal_noise: bool, seed: int
) -> list[BlindedPicture]:
    """Returns the pictures of both volumes of each slice, in an order that the seed decides.

    Args:
        slices: The slices.
        window: The window.
        equal_noise: Whether the smoother one of the two slices gets noise.
        seed: Of order and noise; a reader who knows it could find out the truth.
    """
    generator = np.random.default_rng(seed)
    drawn: list[tuple[bytes, PictureKey]] = []
    for one in slices:
        images = one.real, one.synthetic
        if equal_noise:
            images = with_equal_noise(*images, generator)
        origins: tuple[Origin, Origin] = ("real", "synthetic")
        for hu, origin in zip(images, origins, strict=True):
            png = _png(hu, one.pixel_mm, window)
            drawn.append((png, PictureKey(exam=one.exam, slice=one.index, origin=origin)))
    digits = max(_FEWEST_DIGITS, len(str(len(drawn))))
    order = generator.permutation(len(drawn))
    return [BlindedPicture(f"p{number:0{digits}}", *drawn[index]) for number, index in enumerate(order, start=1)]


def _png(hu: NDArray[np.float32], pixel_mm: tuple[float, float], window: Window) -> bytes:
    """Returns a picture with square pixels."""
    unit = (hu - (window.level - window.width / 2)) / window.width
    picture = Image.fromarray((unit.clip(0, 1) * 255).round().astype(np.uint8))
    finest = min(pixel_mm)
    height, width = (round(count * step / finest) for count, step in zip(hu.shape, pixel_mm, strict=True))
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
