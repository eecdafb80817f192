from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from small_cohorts import SETTINGS, cases, exam_images, write

from NephroSynthLib.engines.engine import Lost, Work
from NephroSynthLib.engines.local_engine import LocalEngine
from NephroSynthLib.errors import ResourceError, UnreadableInputError, UsageError
from NephroSynthLib.progress import Progress
from NephroSynthLib.training.cohort_preparation import Prepared, prepare_cohort


@pytest.fixture(scope="module")
def images() -> dict[str, sitk.Image]:
    return exam_images()


PAIR = {"noncontrast": "imaging.nrrd", "kidneys": "segmentation.nrrd"}


def write_another(folder: Path, images: dict[str, sitk.Image], number: int) -> None:
    """Writes an exam whose image differs from that of any other number."""
    write(folder, {**images, "noncontrast": images["noncontrast"] + float(number)}, PAIR)


def stamps(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in cases(out)}


def test_a_cohort_may_grow_and_exams_that_are_held_out_stay_so(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    for number in range(2):
        write_another(cohort / f"case_{number}", images, number)
    first = prepare_cohort("segmentation", cohort, out, held_out_share=0.5, settings=SETTINGS)
    assert (first.cases, len(first.held_out)) == (1, 1)
    before = stamps(out)

    for number in range(2, 5):
        write_another(cohort / f"case_{number}", images, number)
    second = prepare_cohort("segmentation", cohort, out, held_out_share=0.5, settings=SETTINGS)
    assert second.cases + len(second.held_out) == 5
    assert set(first.held_out) <= set(second.held_out)
    assert {name: stamp for name, stamp in stamps(out).items() if name in before} == before


def test_an_exam_is_known_by_its_content_and_not_by_its_name(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    write_another(cohort / "a", images, 0)
    prepare_cohort("segmentation", cohort, out, settings=SETTINGS)
    before = stamps(out)
    (cohort / "a").rename(cohort / "z")
    write_another(cohort / "copy", images, 0)
    report = prepare_cohort("segmentation", cohort, out, settings=SETTINGS)
    assert report.skipped == {"z": "The exam is the same as copy."}
    assert stamps(out) == before

    sitk.WriteImage(images["noncontrast"] + 7.0, str(cohort / "z" / "imaging.nrrd"))
    assert prepare_cohort("segmentation", cohort, out, held_out_share=0, settings=SETTINGS).cases == 2


def test_a_rejected_exam_is_not_computed_again_until_it_changes(
    images: dict[str, sitk.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    write(cohort / "exam", images, {"noncontrast": "noncontrast.nrrd"})
    first = prepare_cohort("segmentation", cohort, out, settings=SETTINGS)
    assert "no image with a mask" in first.skipped["exam"]

    with monkeypatch.context() as patch:
        patch.setattr("NephroSynthLib.training.cohort_cases._segmentation", lambda *_: pytest.fail("computed again"))
        assert prepare_cohort("segmentation", cohort, out, settings=SETTINGS) == first

    sitk.WriteImage(images["kidneys"], str(cohort / "exam" / "kidneys.nrrd"))
    assert prepare_cohort("segmentation", cohort, out, settings=SETTINGS) == Prepared(1, [], {})


def test_cases_of_another_task_are_refused(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_another(tmp_path / "cohort" / "exam", images, 0)
    (tmp_path / "out" / "cases").mkdir(parents=True)
    np.savez(tmp_path / "out" / "cases" / "000001.npz", nephrographic=np.zeros(1))
    with pytest.raises(UsageError, match="not made for segmentation"):
        prepare_cohort("segmentation", tmp_path / "cohort", tmp_path / "out", settings=SETTINGS)


def test_under_another_share_an_exam_changes_sides_and_is_never_on_both(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    for number in range(3):
        write_another(cohort / f"case_{number}", images, number)
    prepare_cohort("segmentation", cohort, out, held_out_share=0.0, settings=SETTINGS)
    before = stamps(out)
    report = prepare_cohort("segmentation", cohort, out, held_out_share=1.0, settings=SETTINGS)
    assert (report.cases, report.held_out) == (0, ["case_0", "case_1", "case_2"])
    assert stamps(out) == before
    assert {path.parent.name for path in cases(out)} == {"held-out"}


@pytest.mark.parametrize(
    ("make", "words"), [(None, "does not exist"), (Path.mkdir, "has no exam"), (Path.touch, "is no folder")]
)
def test_no_exam_is_a_clear_error(tmp_path: Path, make: Callable[[Path], None] | None, words: str) -> None:
    if make:
        make(tmp_path / "cohort")
    with pytest.raises(UnreadableInputError, match=words):
        prepare_cohort("synthesis", tmp_path / "cohort", tmp_path / "out", settings=SETTINGS, progress=Progress())


@pytest.mark.system("processes")
def test_processes_prepare_the_same_cases_and_one_that_fails_stops_none(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    cohort = tmp_path / "cohort"
    for number in range(2):
        write_another(cohort / f"case_{number}", images, number)
    write(cohort / "without mask", images, {"noncontrast": "noncontrast.nrrd"})
    engines = {"here": None, "processes": LocalEngine(2)}
    reports = {
        name: prepare_cohort("segmentation", cohort, tmp_path / name, settings=SETTINGS, engine=engine)
        for name, engine in engines.items()
    }
    assert reports["here"] == reports["processes"]
    assert set(reports["here"].skipped) == {"without mask"}
    assert [path.relative_to(tmp_path / "here") for path in cases(tmp_path / "here")] == [
        path.relative_to(tmp_path / "processes") for path in cases(tmp_path / "processes")
    ]


def test_an_exam_whose_process_was_lost_is_tried_again(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    class Losing:
        def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            return ((task, Lost("Its process ended by signal 9.")) for task in tasks)

    write_another(tmp_path / "cohort" / "exam", images, 0)
    lost = prepare_cohort("segmentation", tmp_path / "cohort", tmp_path / "out", settings=SETTINGS, engine=Losing())
    assert lost == Prepared(0, [], {"exam": "Its process ended by signal 9."})
    assert prepare_cohort("segmentation", tmp_path / "cohort", tmp_path / "out", settings=SETTINGS).cases == 1


def test_an_error_that_is_not_of_one_exam_ends_the_preparation(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    class Full:
        def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
            return ((task, ResourceError("The disk is full.")) for task in tasks)

    write_another(tmp_path / "cohort" / "exam", images, 0)
    with pytest.raises(ResourceError, match="full"):
        prepare_cohort("segmentation", tmp_path / "cohort", tmp_path / "out", settings=SETTINGS, engine=Full())
