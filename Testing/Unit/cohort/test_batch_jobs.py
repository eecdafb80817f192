"""The jobs behind the table of exams: their outcomes are records that `cohort run` continues."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from NephroSynthLib.cohort import batch_jobs, exam_task
from NephroSynthLib.cohort.batch_jobs import BATCH_JOBS
from NephroSynthLib.cohort.exam_record import read_record
from NephroSynthLib.cohort.manifest import read_manifest
from NephroSynthLib.errors import GeometryError, UnreadableInputError, UsageError
from NephroSynthLib.jobs.catalogue import JOBS, execute
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """The arguments that name a manifest with the exams a, b and c; b is unclear."""
    manifest = tmp_path / "exams.csv"
    lines = ("exam,noncontrast,excretory,unclear", "a,n.nrrd,e.nrrd,", "b,n.nrrd,e.nrrd,two series", "c,n.nrrd,x.nrrd,")
    manifest.write_text("\n".join(lines))
    for name in ("n.nrrd", "e.nrrd", "x.nrrd"):
        (tmp_path / name).write_bytes(name.encode())
    return {"manifest": str(manifest), "out": str(tmp_path / "out"), "settings": {"device": "cpu"}}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Plays the runs, of which that of exam c fails; gives the names of the exams that were run."""
    seen: list[str] = []

    def run(command: str, arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
        seen.append(arguments["label"])
        progress.stage("read").update(0.5, "Reading")
        if arguments["label"] == "c":
            raise GeometryError("The phases show different parts of the body.")
        out = Path(arguments["out"])
        out.mkdir(parents=True, exist_ok=True)
        (out / "result.json").write_text("{}")
        return {"registration": {"passed": True}}

    monkeypatch.setattr(exam_task, "execute", run)
    monkeypatch.setattr(batch_jobs, "models_of", lambda settings: {"synthesis": "1"})
    monkeypatch.setattr(batch_jobs, "check_chosen_models", lambda settings, *tasks: None)
    return seen


def ask(job: str, arguments: dict[str, Any], progress: Progress = Progress()) -> dict[str, Any]:
    return execute(job, arguments, progress, jobs=BATCH_JOBS)


def test_the_jobs_are_those_of_the_catalogue_and_four_more() -> None:
    assert BATCH_JOBS.keys() - JOBS.keys() == {"find-exams", "list-exams", "run-listed", "phases-of-exam"}
    assert all(BATCH_JOBS[name] is job for name, job in JOBS.items())


def test_exams_are_run_once_and_listed_with_their_outcome(asked: dict[str, Any], runs: list[str]) -> None:
    assert [exam["status"] for exam in ask("list-exams", asked)["exams"]] == ["", "", ""]
    heard: list[str] = []
    ran = [
        ask("run-listed", {**asked, "exam": name}, Progress(lambda event: heard.append(event.message)))
        for name in "abca"
    ]
    assert runs == ["a", "c"]
    assert heard == ["Reading", "Reading"]
    assert [one["status"] for one in ran] == ["done", "failed", "failed", "done"]
    assert (ran[0]["passed"], ran[1]["passed"]) == (True, None)
    assert "two series" in ran[1]["reason"]
    assert "different parts" in ran[2]["reason"]
    listed = ask("list-exams", asked)["exams"]
    assert [{**one, "warnings": []} for one in listed] == [ran[3], ran[1], ran[2]]
    record = read_record(Path(asked["out"]) / "records" / "a.json")
    assert record is not None
    assert record.summary == {"registration": {"passed": True}}


def test_an_exam_that_failed_is_run_again_where_that_is_wanted(asked: dict[str, Any], runs: list[str]) -> None:
    for again in (False, False, True):
        ask("run-listed", {**asked, "exam": "c", "retry_failed": again})
    assert runs == ["c", "c"]


def test_an_exam_that_the_manifest_lacks_is_refused(asked: dict[str, Any], runs: list[str]) -> None:
    with pytest.raises(UsageError, match="no exam 'x'"):
        ask("run-listed", {**asked, "exam": "x"})


def test_exams_are_found_in_several_folders(
    tmp_path: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows_of(root: Path, base: Path, progress: Progress) -> list[dict[str, str]]:
        return [] if root.name == "empty" else [{"exam": f"exam-{root.name}", "dicom": root.name}]

    monkeypatch.setattr(batch_jobs, "rows_of", rows_of)
    target = tmp_path / "found.csv"
    roots = [str(tmp_path / name) for name in ("p", "empty", "q", "p")]
    assert ask("find-exams", {"roots": roots, "manifest": str(target)})["manifest"] == str(target)
    assert [exam.name for exam in read_manifest(target, Settings(), tmp_path)] == ["exam-p", "exam-q"]
    with pytest.raises(UnreadableInputError, match="no CT exam"):
        ask("find-exams", {"roots": roots[1:2], "manifest": str(target)})


def test_the_phases_of_an_exam_are_written_as_a_run_reads_them(tmp_path: Path, drawn: Any) -> None:
    for phase in ("noncontrast", "excretory"):
        sitk.WriteImage(getattr(drawn, phase), str(tmp_path / f"{phase}.nii.gz"))
    manifest = tmp_path / "exams.csv"
    manifest.write_text("exam,noncontrast,excretory\na,noncontrast.nii.gz,excretory.nii.gz\n")
    arguments = {"manifest": str(manifest), "out": str(tmp_path / "out"), "exam": "a", "folder": str(tmp_path / "in")}
    phases = ask("phases-of-exam", arguments)["phases"]
    assert set(phases) == {"noncontrast", "excretory"}
    read = sitk.ReadImage(phases["excretory"])
    assert read.GetSize() == drawn.excretory.GetSize()
    assert abs(sitk.GetArrayFromImage(read) - sitk.GetArrayFromImage(drawn.excretory)).max() < 1e-3
    assert json.dumps(phases)
