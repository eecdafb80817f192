"""Translation of what a scene shows, as Slicer's own `tr` does it; slicer-core without the application has none."""

from __future__ import annotations

try:
    from slicer.i18n import tr as tr
except ImportError:

    def tr(text: str) -> str:
        """The text as it is."""
        return text
