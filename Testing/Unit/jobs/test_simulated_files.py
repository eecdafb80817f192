"""A simulated exam as files: phases that any reader opens, and their truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.jobs.simulated_files import NOTICE, PHASES, SimulatedFiles
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid


@pytest.fixture(scope="module")
def files() -> SimulatedFiles:
    return SimulatedFiles.simulate(900_001, Progress(), Grid((20, 40, 52), (6.0, 6.0, 8.0), (-153.0, -117.0, -76.0)))


@pytest.mark.parametrize(("file_format", "suffix"), [("nifti", ".nii.gz"), ("nrrd", ".nrrd")])
def test_phases_and_truth_are_written_in_the_format(
    files: SimulatedFiles, tmp_path: Path, file_format: str, suffix: str
) -> None:
    files.write_phases(tmp_path, file_format, Progress())  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} == {f"{phase}{suffix}" for phase in PHASES}
    read = sitk.ReadImage(str(tmp_path / f"excretory{suffix}"))
    assert read.GetSize() == files.images["excretory"].GetSize()
    files.write_truth(tmp_path, file_format, Progress())  # type: ignore[arg-type]
    facts = json.loads((tmp_path / "truth.json").read_text())
    assert facts["notice"] == NOTICE
    assert facts["seed"] == 900_001
    assert facts["tissues"]["air"] == 0
    assert (tmp_path / f"kidneys{suffix}").exists()
