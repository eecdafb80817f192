"""The description that the file of an image carries: its content, and the model that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from NephroSynthLib.files.outputs import SYNTHETIC

_DIGITS = 16
_CONTENTS = {
    SYNTHETIC: "SYNTHETIC nephrographic phase",
    "uncertainty": "SD of SYNTHETIC nephrographic phase",
    "excretory_registered": "Excretory phase on the non-contrast grid",
    "acquired_registered": "Acquired nephrographic phase on the non-contrast grid",
    "kidneys": "Kidneys: 1 right, 2 left",
}
_MADE_BY = {SYNTHETIC: "synthesis", "uncertainty": "synthesis", "kidneys": "segmentation"}


def describe_image(name: str, models: Mapping[str, tuple[str, str]]) -> str:
    """Returns the description of an image of a result; empty for an image that is none of them.

    With the name of a bundled model it has at most 79 characters, which NIfTI can hold.

    Args:
        name: Name of its file without suffix.
        models: Name and sha256 of the model by stage; the sha256 is empty where no model took part.

    Example:
        >>> describe_image("kidneys", {"segmentation": ("kidney-segmenter", "ab" * 32)})
        'Kidneys: 1 right, 2 left; kidney-segmenter abababababababab'
    """
    if name not in _CONTENTS:
        return ""
    model, sha256 = models.get(_MADE_BY.get(name, ""), ("", ""))
    return f"{_CONTENTS[name]}; {model} {sha256[:_DIGITS]}" if sha256 else _CONTENTS[name]


def described_image(path: Path) -> str | None:
    """Returns the name of the image of a result that a file holds, by its description; None if it tells of none."""
    from NephroSynthLib.imaging.image_files import read_description

    content = read_description(path).partition(";")[0].strip()
    return next((name for name, known in _CONTENTS.items() if known == content), None)
