"""Small exams for reader studies: a real and a synthetic volume with kidneys, as result folders and as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.reader_study.study_key import PictureKey, StudyKey

WriteExam = Callable[..., Path]
CODE = "study-0123456789"


@pytest.fixture(scope="session")
def write_exam(phantom: Callable[..., sitk.Image], phantom_kidneys: Callable[[sitk.Image], sitk.Image]) -> WriteExam:
    """Writes a result folder with an acquired phase (if wanted) and returns it."""
    real = phantom(contrast=True)
    smooth = sitk.DiscreteGaussian(phantom(contrast=True, seed=1), 20.0)
    kidneys = phantom_kidneys(real)

    def write(folder: Path, acquired: bool = True, brighter_hu: float = 0.0) -> Path:
        folder.mkdir(parents=True)
        sitk.WriteImage(smooth + brighter_hu, str(folder / "synthetic_nephrographic.nrrd"))
        sitk.WriteImage(kidneys, str(folder / "kidneys.nrrd"))
        if acquired:
            sitk.WriteImage(real, str(folder / "acquired_registered.nrrd"))
        (folder / "result.json").write_text("{}", encoding="utf-8")
        return folder

    return write


@pytest.fixture
def key() -> StudyKey:
    """Two exams with two slices each: eight pictures, p001 to p008, real ones with odd numbers."""
    places = [("a", 10), ("a", 12), ("b", 20), ("b", 22)]
    pictures = {}
    for number, (exam, index) in enumerate(places):
        pictures[f"p{2 * number + 1:03}"] = PictureKey(exam=exam, slice=index, origin="real")
        pictures[f"p{2 * number + 2:03}"] = PictureKey(exam=exam, slice=index, origin="synthetic")
    return StudyKey(study=CODE, seed=1, window_hu=(400.0, 50.0), equal_noise=False, pictures=pictures)


@pytest.fixture
def write_answers(tmp_path: Path) -> Callable[..., Path]:
    """Writes the answers of a reader, quality and answer by picture, as the page saves them."""

    def write(reader: str, rows: dict[str, tuple[object, str]], study: str = CODE) -> Path:
        lines = ["study,reader,picture,quality,answer"]
        lines += [f"{study},{reader},{name},{quality},{answer}" for name, (quality, answer) in rows.items()]
        path = tmp_path / f"answers-{len(list(tmp_path.iterdir()))}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
