"""slicer.i18n (Slicer/Base/Python/slicer/i18n.py). The host speaks English, so that each text stays as it is."""

from __future__ import annotations


def tr(text: str) -> str:
    """Text in the application's language, with the source file as context."""
    if not isinstance(text, str):
        raise TypeError(f"tr needs a string, not {text!r}")
    return text


def translate(context: str, text: str) -> str:
    """Text in the application's language."""
    if not isinstance(context, str) or not isinstance(text, str):
        raise TypeError(f"translate needs two strings, not {context!r} and {text!r}")
    return text
