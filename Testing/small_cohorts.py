"""Small cohorts on disk that the tests of their preparation share."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from NephroSynthLib.exam.simulated_images import to_image, to_images
from NephroSynthLib.settings import RegistrationSettings, Settings
from NephroSynthLib.simulation import Grid, simulate

GRID = Grid((40, 80, 104), (3.0, 3.0, 4.0), (-156.0, -120.0, -80.0))
SETTINGS = Settings(device="cpu")


def gated(least_ssim: float) -> Settings:
    """Returns settings with a quality gate, and the fastest registration that deforms nothing."""
    return Settings(device="cpu", registration=RegistrationSettings(mode="affine", ssim_gate=least_ssim))


def exam_images() -> dict[str, sitk.Image]:
    """Returns the phases of a simulated exam and the kidneys of two of them."""
    exam = simulate(900_001, reference=GRID)
    excretory = exam.phases["excretory"]
    return {**to_images(exam), "excretory_kidneys": to_image(excretory.kidneys, excretory.grid)}


def write(folder: Path, images: dict[str, sitk.Image], names: dict[str, str]) -> None:
    """Writes images into the folder of an exam, which it makes."""
    folder.mkdir(parents=True)
    for name, file in names.items():
        sitk.WriteImage(images[name], str(folder / file))


def cases(out: Path) -> list[Path]:
    """Returns the files of all cases that were prepared."""
    return sorted(out.rglob("*.npz"))
