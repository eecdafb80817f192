"""A whole cohort on this machine: a real exam, a broken one and a missing one, in one run that the tests share."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from filelock import FileLock

from NephroSynthLib.cohort.cohort_run import CohortRequest, run_cohort
from NephroSynthLib.errors import Action, Cancelled, UnreadableInputError, UsageError
from NephroSynthLib.files.outputs import REPORT, SUMMARY
from NephroSynthLib.progress import Progress, ProgressEvent

MANIFEST = """exam,noncontrast,excretory,mask,weight,split
good,noncontrast.nii.gz,excretory.nii.gz,kidneys.nii.gz,80,test
broken,noncontrast.nii.gz,broken.nii.gz,,,
missing,noncontrast.nii.gz,none.nii.gz,,,
"""

pytestmark = pytest.mark.system("processes")


@pytest.fixture(scope="module")
def cohort(
    tmp_path_factory: pytest.TempPathFactory, urography: dict[str, sitk.Image], small_model: Path
) -> tuple[CohortRequest, dict[str, Any], list[ProgressEvent]]:
    folder = tmp_path_factory.mktemp("cohort")
    for name in ("noncontrast", "excretory", "kidneys"):
        sitk.WriteImage(urography[name], str(folder / f"{name}.nii.gz"))
    whole = (folder / "excretory.nii.gz").read_bytes()
    (folder / "broken.nii.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "exams.csv").write_text(MANIFEST)
    settings = {
        "device": "cpu",
        "registration": {"mode": "none"},
        "segmentation": {"steps": 1},
        "synthesis": {"model": str(small_model)},
    }
    request = CohortRequest(manifest=folder / "exams.csv", out=folder / "out", settings=settings)
    events: list[ProgressEvent] = []
    return request, run_cohort(request, Progress(events.append, stage_name="exams")), events


def rows(request: CohortRequest) -> dict[str, dict[str, str]]:
    with (request.out / "exams.csv").open(newline="") as file:
        return {row["exam"]: row for row in csv.DictReader(file)}


def test_a_failed_exam_is_recorded_and_stops_nothing(cohort: Any) -> None:
    request, summary, events = cohort
    assert summary["exams"] == summary["computed"] == 3
    assert set(summary["failed"]) == {"broken", "missing"}
    assert events[-1].fraction == 1.0
    found = rows(request)
    assert [found[exam]["status"] for exam in ("good", "broken", "missing")] == ["done", "failed", "failed"]
    assert found["broken"]["error"] == found["missing"]["error"] == "UnreadableInputError"
    assert not (request.out / "exams/broken").exists()


def test_the_table_has_the_figures_of_the_result(cohort: Any) -> None:
    request, _, _ = cohort
    result, row = json.loads((request.out / "exams/good" / SUMMARY).read_text()), rows(request)["good"]
    assert result["label"] == "good"
    assert result["settings"]["synthesis"]["weight_kg"] == 80
    assert float(row["registration.ssim_after"]) == result["registration"]["ssim_after"]
    assert float(row["timings_s.synthesize"]) == result["timings_s"]["synthesize"]
    assert row["split"] == "test"


def test_the_report_links_to_the_reports_of_the_exams(cohort: Any) -> None:
    request, _, _ = cohort
    assert 'href="exams/good/report.html"' in (request.out / REPORT).read_text()
    assert (request.out / "exams/good" / REPORT).exists()


def test_exams_that_ended_are_not_computed_again(cohort: Any) -> None:
    request, _, _ = cohort
    again = run_cohort(request, Progress(stage_name="exams"))
    assert (again["computed"], again["reused"]) == (0, 3)


def test_what_changed_is_computed_again(cohort: Any) -> None:
    request, _, _ = cohort
    (request.manifest.parent / "none.nii.gz").write_bytes(b"no image")
    again = run_cohort(request, Progress(stage_name="exams"))
    assert (again["computed"], again["reused"]) == (1, 2)


def test_two_runs_on_one_folder_do_not_collide(cohort: Any) -> None:
    request, _, _ = cohort
    with FileLock(request.out / ".lock"), pytest.raises(UsageError) as refused:
        run_cohort(request, Progress(stage_name="exams"))
    assert refused.value.action is Action.WAIT_FOR_RUN


def test_a_cancelled_run_says_what_is_kept(cohort: Any) -> None:
    request, _, _ = cohort
    with pytest.raises(Cancelled, match="Exams that are done are kept"):
        run_cohort(request, Progress(cancelled=lambda: True, stage_name="exams"))


@pytest.mark.parametrize("taken", ["out", "out/exams", "out/records", "out/exams.csv/x", "out/report.html/x"])
def test_a_target_that_cannot_be_written_is_refused_before_any_exam(tmp_path: Path, taken: str) -> None:
    """A file where a folder is needed, or a folder where a file is needed."""
    (tmp_path / "exams.csv").write_text("exam,noncontrast,excretory\nmissing,none.nii.gz,none.nii.gz\n")
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="output path"):
        run_cohort(CohortRequest(manifest=tmp_path / "exams.csv", out=tmp_path / "out"), Progress(stage_name="exams"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bad_manifest_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    request = CohortRequest(manifest=tmp_path / "none.csv", out=tmp_path / "out")
    with pytest.raises(UnreadableInputError):
        run_cohort(request, Progress(stage_name="exams"))
    assert not (tmp_path / "out").exists()
