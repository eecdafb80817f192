"""The place of the sample exam in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import Cancelled
from NephroSynthLib.jobs.exam_simulation import SampleRequest
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.jobs.run_exam import DemoRequest, demo
from NephroSynthLib.progress import Progress
from NephroSynthLib.session.sample_exam import PHASES, SampleExam


def test_an_exam_is_kept_once_all_phases_are_there(tmp_path: Path) -> None:
    exam = SampleExam(tmp_path)
    exam.folder.mkdir()
    for phase in PHASES:
        assert not exam.is_kept
        exam.image(phase).touch()
    assert exam.is_kept


def test_another_exam_has_another_folder(tmp_path: Path) -> None:
    exams = [SampleExam(tmp_path), SampleExam(tmp_path, seed=1), SampleExam(tmp_path, spacing_mm=(1.0, 2.0, 3.0))]
    assert len({exam.folder for exam in exams}) == 3
    assert exams[2].folder.name.endswith("-1x2x3")


def test_the_sample_is_the_exam_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def stop(seed: int, *_: object) -> None:
        seeds.append(seed)
        raise Cancelled

    monkeypatch.setattr("NephroSynthLib.jobs.simulated_files.SimulatedFiles.simulate", stop)
    with pytest.raises(Cancelled):
        demo(DemoRequest(out=tmp_path / "demo"), Progress())
    assert seeds == [SampleExam(tmp_path).seed]


def test_the_worker_gets_the_exam(tmp_path: Path) -> None:
    exam = SampleExam(tmp_path)
    request = parse(SampleRequest, exam.arguments)
    assert request.out == exam.folder
    assert set(exam.arguments) == set(SampleRequest.model_fields)
    assert exam.arguments["out"] == str(exam.folder)
    assert exam.dicom("excretory").parent.parent == exam.folder
