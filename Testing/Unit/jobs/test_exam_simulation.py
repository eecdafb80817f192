"""Simulated exams as folders: any number with their truth, or one to try the panel with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import InputError
from NephroSynthLib.jobs import catalogue as jobs
from NephroSynthLib.jobs.exam_simulation import SAMPLE_FIELD_OF_VIEW_MM
from NephroSynthLib.progress import Progress

SPACING = (5.6, 5.6, 10.0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "exam"
    jobs.execute("sample", {"out": str(folder), "seed": 900_001, "spacing": SPACING}, Progress())
    return folder


def test_a_sample_exam_has_three_uncompressed_phases_of_one_field_of_view(sample: Path) -> None:
    image = sitk.ReadImage(str(sample / "noncontrast.nrrd"))
    assert image.GetSpacing() == pytest.approx(SPACING)
    assert np.multiply(image.GetSize(), SPACING) == pytest.approx(SAMPLE_FIELD_OF_VIEW_MM)
    for phase in ("noncontrast", "excretory", "nephrographic"):
        assert b"encoding: raw" in (sample / f"{phase}.nrrd").read_bytes()[:2000]


def test_a_sample_exam_comes_as_dicom_too(sample: Path) -> None:
    image = sitk.ReadImage(str(sample / "noncontrast.nrrd"))
    series = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(sample / "dicom" / "noncontrast")))
    assert series.GetSize() == image.GetSize()
    assert series.GetOrigin() == pytest.approx(image.GetOrigin(), abs=0.01)


def test_each_seed_has_its_own_exam_with_its_truth(tmp_path: Path) -> None:
    jobs_done = []

    class Simulated:
        """Stands in for the simulator, which takes minutes at full size."""

        @staticmethod
        def simulate(seed: int, progress: Progress, anatomies: object) -> Simulated:
            assert anatomies is None
            jobs_done.append(seed)
            return Simulated()

        def write_phases(self, folder: Path, file_format: str, progress: Progress) -> None:
            folder.mkdir()
            (folder / f"phases.{file_format}").touch()

        def write_truth(self, folder: Path, file_format: str, progress: Progress) -> None:
            (folder / "truth.json").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("NephroSynthLib.jobs.simulated_files.SimulatedFiles", Simulated)
        made = jobs.execute(
            "simulate", {"out": tmp_path / "exams", "seed": 7, "count": 2, "file_format": "nrrd"}, Progress()
        )
    assert jobs_done == [7, 8]
    assert [Path(folder).name for folder in made["exams"]] == ["exam-7", "exam-8"]
    for folder in made["exams"]:
        assert {path.name for path in Path(folder).iterdir()} == {"phases.nrrd", "truth.json"}


def test_a_folder_without_label_maps_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    with pytest.raises(InputError, match="does not hold label maps"):
        jobs.execute("simulate", {"out": tmp_path / "exams", "anatomies": tmp_path / "maps"}, Progress())
    assert not (tmp_path / "exams").exists()
