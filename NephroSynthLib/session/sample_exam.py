"""The sample exam: a simulated exam that a front end keeps in its cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from NephroSynthLib import __version__
from NephroSynthLib.options import SAMPLE_SEED

NAMES = {
    "noncontrast": "Simulated CTU non-contrast",
    "excretory": "Simulated CTU excretory",
    "nephrographic": "Simulated CTU nephrographic",
}
"""The names of the volumes, by phase."""
PHASES = tuple(NAMES)


@dataclass(frozen=True)
class SampleExam:
    """The sample exam and its place on the disk.

    Attributes:
        cache: The folder in which the exam's own folder is kept.
        seed: The seed of the simulation. The bundled models were not trained on it.
        spacing_mm: The voxel size of the non-contrast phase, x, y, z in mm.
    """

    cache: Path
    seed: int = SAMPLE_SEED
    spacing_mm: tuple[float, float, float] = (1.4, 1.4, 2.5)

    @property
    def folder(self) -> Path:
        """The folder of the exam. Another version, seed or voxel size has another folder."""
        size = "x".join(f"{step:g}" for step in self.spacing_mm)
        return self.cache / f"NephroSynth-{__version__}-exam-{self.seed}-{size}"

    def image(self, phase: str) -> Path:
        """The image file of a phase."""
        return self.folder / f"{phase}.nrrd"

    def dicom(self, phase: str) -> Path:
        """The folder with the DICOM files of a phase."""
        return self.folder / "dicom" / phase

    @property
    def is_kept(self) -> bool:
        """Whether the exam was simulated before."""
        return all(self.image(phase).exists() for phase in PHASES)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the worker's job 'sample'."""
        return {"out": str(self.folder), "seed": self.seed, "spacing": list(self.spacing_mm), "overwrite": True}
