"""A test host: just as much of 3D Slicer as the module NephroSynth uses, on PySide6 and slicer-core."""

from __future__ import annotations

from slicer_host.host import Host
from slicer_host.x_display import XvfbMissing

__all__ = ["Host", "XvfbMissing"]
