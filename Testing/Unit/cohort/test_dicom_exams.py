"""A manifest of a DICOM archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from NephroSynthLib.cohort import dicom_exams
from NephroSynthLib.cohort.dicom_exams import ManifestRequest, find_exams
from NephroSynthLib.cohort.manifest import read_manifest
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.errors import UnreadableInputError, UsageError
from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings

PHASES = ("noncontrast", "excretory", "nephrographic")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, urography: dict[str, sitk.Image]) -> Path:
    """Two exams of three phases, in folders that bear a name."""
    root = tmp_path_factory.mktemp("archive")
    phases = {name: urography[name] for name in PHASES}
    for seed, name in ((1, "Doe^Jane"), (2, "other")):
        write_simulated_study({phase: image + seed for phase, image in phases.items()}, root / "in" / name, seed=seed)
    return root


@pytest.fixture(scope="module")
def found(archive: Path, urography: dict[str, sitk.Image]) -> Iterator[dict[str, Any]]:
    """The summary; the true kidneys take the place of the segmenter in all tests, since it takes long."""
    with pytest.MonkeyPatch.context() as patch:
        truth = urography["kidneys"]
        patch.setattr(dicom_exams, "find_kidney_labels", lambda image: resample(truth, image, label=True))
        request = ManifestRequest(root=archive / "in", manifest=archive / "exams.csv")
        yield find_exams(request, Progress(stage_name="read"))


def test_each_exam_is_found_with_its_phases(archive: Path, found: dict[str, Any]) -> None:
    assert (found["exams"], found["unclear"]) == (2, {})
    exams = read_manifest(archive / "exams.csv", Settings(), archive / "out")
    assert {exam.request.dicom for exam in exams} == {archive / "in/Doe^Jane", archive / "in/other"}
    for exam in exams:
        request = exam.request
        assert (request.noncontrast_series, request.nephrographic_series, request.excretory_series) == ("1", "3", "2")


def test_names_tell_nothing_and_stay(archive: Path, found: dict[str, Any]) -> None:
    names = [exam.name for exam in read_manifest(archive / "exams.csv", Settings(), archive / "out")]
    assert all(re.fullmatch(r"exam-[0-9a-f]{8}", name) for name in names)
    alone = ManifestRequest(root=archive / "in/other", manifest=archive / "alone.csv")
    find_exams(alone, Progress(stage_name="read"))
    (again,) = read_manifest(archive / "alone.csv", Settings(), archive / "out")
    assert again.name in names


def test_a_manifest_is_not_replaced_unasked(archive: Path, found: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="exists already"):
        find_exams(ManifestRequest(root=archive / "in", manifest=archive / "exams.csv"), Progress(stage_name="read"))


def test_an_exam_without_a_phase_is_marked(
    tmp_path: Path, urography: dict[str, sitk.Image], found: dict[str, Any]
) -> None:
    write_simulated_study({"noncontrast": urography["noncontrast"]}, tmp_path / "in", seed=1)
    summary = find_exams(
        ManifestRequest(root=tmp_path / "in", manifest=tmp_path / "a.csv"), Progress(stage_name="read")
    )
    (doubt,) = summary["unclear"].values()
    assert "no series is surely of the excretory phase" in doubt
    (exam,) = read_manifest(tmp_path / "a.csv", Settings(), tmp_path / "out")
    assert exam.unclear == doubt


def test_an_archive_without_an_exam_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UnreadableInputError, match="no CT exam"):
        find_exams(ManifestRequest(root=tmp_path / "in", manifest=tmp_path / "a.csv"), Progress(stage_name="read"))
    assert not (tmp_path / "a.csv").exists()
