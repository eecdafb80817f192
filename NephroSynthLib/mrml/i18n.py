"""Slicer's translation of texts. In slicer-core, which has no translation, texts stay as they are."""

from __future__ import annotations

try:
    from slicer.i18n import tr as tr
except ImportError:

    def tr(text: str) -> str:
        """Returns the text as it is."""
        return text
