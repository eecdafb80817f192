"""The module's logic from Python, without a click: run, judge, export, batch, and the sample exam by its name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from gui_workers import PlayedWorker


@pytest.fixture
def logic(host: Any, widget: Any, result_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A logic of its own, whose worker gives the files of a run."""
    from NephroSynth import NephroSynthLogic

    logic = NephroSynthLogic()
    monkeypatch.setattr(logic.loop, "start_worker", lambda listener: PlayedWorker(logic.loop, listener, result_folder))
    return logic


def test_a_script_runs_judges_and_exports(
    host: Any, logic: Any, exam_nodes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from NephroSynth import NephroSynthLogic

    messages: list[str] = []
    from NephroSynthLib.session.task import TaskListener

    hears = TaskListener(on_progress=lambda state, event: messages.append(event.message))
    run = logic.run(**exam_nodes, settings={"seed": 3}, listener=hears)
    assert run.noncontrast is exam_nodes["noncontrast"]
    assert "synthesize" in messages
    judged = logic.judge(run)
    assert judged["passed"] is True
    assert judged["metrics"]["around"]["window"]["ssim"] == 0.9
    written = NephroSynthLogic().export(run, tmp_path, formats=("nrrd",))
    assert written.parent == tmp_path
    assert (written / "synthetic_nephrographic.nrrd").is_file()


def test_a_run_that_cannot_start_is_an_error(host: Any, logic: Any, exam_nodes: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="Choose a different volume for each phase"):
        logic.run(exam_nodes["noncontrast"], exam_nodes["noncontrast"])
    with pytest.raises(Exception, match="Choose the excretory phase"):
        logic.run(exam_nodes["noncontrast"], None)


def test_without_waiting_a_task_comes_back_at_once(host: Any, logic: Any, exam_nodes: dict[str, Any]) -> None:
    from NephroSynthLib.session.task import TaskListener

    ends: list[Any] = []
    hears = TaskListener(on_end=lambda run, error: ends.append((run, error)))
    task = logic.run(exam_nodes["noncontrast"], exam_nodes["excretory"], wait=False, listener=hears)
    assert ends == []
    task.cancel()
    [(run, error)] = ends
    assert run is None
    assert type(error).__name__ == "Cancelled"


def test_an_exam_that_fails_does_not_stop_a_batch(host: Any, logic: Any, exam_nodes: dict[str, Any]) -> None:
    exam = {name: exam_nodes[name] for name in ("noncontrast", "excretory")}
    heard: list[tuple[int, bool]] = []
    runs = logic.batch(
        [exam, {"noncontrast": None, "excretory": None}, exam],
        on_end=lambda index, run, error: heard.append((index, error is None)),
    )
    assert [run is not None for run in runs] == [True, False, True]
    assert heard == [(0, True), (1, False), (2, True)]
    assert runs[0].synthetic is not runs[2].synthetic


def test_a_run_works_although_the_temporary_folder_was_cleaned(
    host: Any, logic: Any, exam_nodes: dict[str, Any]
) -> None:
    import slicer

    shutil.rmtree(slicer.app.temporaryPath)
    assert logic.run(exam_nodes["noncontrast"], exam_nodes["excretory"]) is not None


def test_sample_data_loads_the_exam_by_its_name(host: Any, widget: Any, sample_folder: Path) -> None:
    import SampleData
    import slicer
    from NephroSynthPanel.sample_data import SAMPLE_NAME

    from NephroSynthLib.session.sample_exam import NAMES, SampleExam

    shutil.copytree(sample_folder, SampleExam(Path(slicer.app.cachePath)).folder, dirs_exist_ok=True)
    volumes = SampleData.SampleDataLogic().downloadSamples(SAMPLE_NAME)
    assert [volume.GetName() for volume in volumes] == list(NAMES.values())
    assert all(volume.GetImageData().GetScalarRange()[1] > 500 for volume in volumes)
