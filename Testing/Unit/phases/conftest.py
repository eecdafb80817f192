from __future__ import annotations

from collections.abc import Callable

import pytest
import SimpleITK as sitk

from NephroSynthLib.phases.candidate import Candidate
from NephroSynthLib.phases.pixel_evidence import Attenuation, measure

ACQUIRED = ("noncontrast", "nephrographic", "excretory")


@pytest.fixture(scope="session")
def measured(urography: dict[str, sitk.Image]) -> dict[str, Attenuation]:
    """The measured phases of a simulated exam."""
    return {phase: measure(urography[phase]) for phase in ACQUIRED}


@pytest.fixture(scope="session")
def candidate(measured: dict[str, Attenuation]) -> Callable[..., Candidate]:
    """Makes a candidate of a phase of the simulated exam."""

    def make(phase: str, name: str = "", frame: str = "frame", **more: object) -> Candidate:
        return Candidate(f"{name or phase} (18 images)", name or phase, measured[phase], frame, **more)

    return make
