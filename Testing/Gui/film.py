"""A film of the window as an animated GIF for the README."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1152
COLOURS = 64


class Film:
    """Collects pictures of the window, each with the time that it is shown."""

    def __init__(self) -> None:
        self._pictures: list[Image] = []
        self._times_ms: list[int] = []

    def add(self, picture: Path, time_ms: int) -> None:
        """Adds a picture file."""
        from PIL import Image

        whole = Image.open(picture).convert("RGB")
        self._pictures.append(
            whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)
        )
        self._times_ms.append(time_ms)

    def save(self, path: Path) -> None:
        """Writes the film. All its pictures share the colours of the last one, so that only what changes is stored."""
        from PIL import Image

        colours = self._pictures[-1].quantize(COLOURS, Image.Quantize.MEDIANCUT)
        first, *others = (picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in self._pictures)
        first.save(path, save_all=True, append_images=others, duration=self._times_ms, loop=0, optimize=True)
