"""Names of segments that mean a kidney, in the languages and spellings of segmentation tools."""

from __future__ import annotations

import re

from NephroSynthLib.imaging.sides import EITHER, LEFT, RIGHT

_KIDNEY = re.compile(r"kidney|niere|\brein\b|ri[nñ][oó]n|\brene\b")
_NO_KIDNEY = re.compile(r"cyst|zyste|kyste|quiste|cisti\b|tumou?r|lesion|stone|stein\b|stent|calcul")
_SIDES = {
    RIGHT: re.compile(r"right|recht|droit|derech|destr|\br\b|\brt\b"),
    LEFT: re.compile(r"left|link|gauche|izquierd|sinistr|\bl\b|\blt\b"),
}


def kidney_side(name: str, tags: str = "") -> int | None:
    """Tells which kidney the name of a segment means.

    Args:
        name: Name of the segment, in upper or lower case, e.g. 'kidney_right'.
        tags: Further text that may name organ and side, e.g. the terminology of a Slicer segment.

    Returns:
        RIGHT or LEFT; EITHER for a kidney without a side; None for anything else, also for a cyst, a tumour or a stone.

    Example:
        >>> kidney_side("Niere links") == LEFT
        True
    """
    name, tags = (text.lower().replace("_", " ") for text in (name, tags))
    if not _KIDNEY.search(f"{name} {tags}") or _NO_KIDNEY.search(f"{name} {tags}"):
        return None
    return _named_side(name) or _named_side(tags) or EITHER


def _named_side(text: str) -> int | None:
    sides = [side for side, pattern in _SIDES.items() if pattern.search(text)]
    return sides[0] if len(sides) == 1 else None
