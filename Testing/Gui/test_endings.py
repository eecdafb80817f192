"""Whatever the end of a run: a plain message, an unchanged scene, and no files left on the disk."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from gui_exam import MODULE
from gui_workers import in_stage, program
from scene_state import assert_as_before, contents, leftovers, slicer_temporary, start, start_played, wait_for_end

from NephroSynthLib import options
from NephroSynthLib.progress import STAGES


def assert_cancelled(widget: Any, nodes: list[str]) -> None:
    assert "Cancelled" in widget.ui.statusLabel.text
    assert not widget.ui.errorWidget.visible
    assert_as_before(widget, nodes)


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_in_each_stage_ends_within_a_second_and_leaves_nothing(
    host: Any, ready: Any, stage: str, report: Callable[[str], None]
) -> None:
    before = contents()
    start(host, ready, in_stage(stage))
    host.wait_until(lambda: getattr(ready.ui, f"{stage}Bar").value > 0 and "left-by-worker" in leftovers())
    began = time.monotonic()
    host.click(ready.ui.cancelButton)
    wait_for_end(host, ready)
    report(f"cancelled in the stage '{stage}' within {time.monotonic() - began:.2f} s")
    assert_cancelled(ready, before)


def test_cancel_while_the_inputs_are_written(
    host: Any, ready: Any, monkeypatch: pytest.MonkeyPatch, report: Callable[[str], None]
) -> None:
    from NephroSynthLib.imaging import image_files

    monkeypatch.setattr(image_files, "save_image", slowly(image_files.save_image))
    before = contents()
    start(host, ready, "sys.exit(3)")
    host.wait_until(lambda: "Excretory" in ready.ui.statusLabel.text)
    [folder] = leftovers()
    assert "noncontrast.nrrd" in os.listdir(Path(slicer_temporary(), folder))
    began = time.monotonic()
    host.click(ready.ui.cancelButton)
    wait_for_end(host, ready)
    report(f"cancelled while the inputs were written within {time.monotonic() - began:.2f} s")
    assert not any("ThreadPoolExecutor" in thread.name for thread in threading.enumerate())
    assert_cancelled(ready, before)


def test_cancel_while_the_results_are_read(
    host: Any, ready: Any, result_folder: Path, monkeypatch: pytest.MonkeyPatch, report: Callable[[str], None]
) -> None:
    from NephroSynthLib.mrml import result_nodes as results

    monkeypatch.setattr(results, "read_image", slowly(results.read_image))
    before = contents()
    start_played(host, ready, result_folder)
    host.wait_until(lambda: "Reading excretory_registered" in ready.ui.statusLabel.text)
    began = time.monotonic()
    host.click(ready.ui.cancelButton)
    wait_for_end(host, ready)
    report(f"cancelled while the results were read within {time.monotonic() - began:.2f} s")
    assert_cancelled(ready, before)


def slowly(work: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that waits 0.3 s, so that a user can click, and then does the work."""

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.3)
        return work(*arguments, **options)

    return slow


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(3)", "ended with status 3"),
        ("os.kill(os.getpid(), 11)", "ended by signal 11"),
        (f"os.kill(os.getpid(), {int(signal.SIGKILL)})", "memory ran out"),
        (
            "say('error', **{'class': 'ResourceError'}, what='The disk is full.', action='free-disk-space',"
            " exit_code=5, traceback='')",
            "The disk is full. Free some space,",
        ),
    ],
)
def test_a_worker_that_fails_gives_a_plain_message(host: Any, ready: Any, body: str, words: str) -> None:
    before = contents()
    start(host, ready, body)
    wait_for_end(host, ready)
    assert ready.ui.errorWidget.visible
    assert words in ready.ui.errorLabel.text
    assert "Traceback" not in ready.ui.errorLabel.text
    assert_as_before(ready, before)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(3)", "ended with status 3"),
        (f"os.kill(os.getpid(), {int(signal.SIGKILL)})", "memory ran out"),
        (
            "print('Fatal Python error: Aborted', *range(300), sep='\\n', file=sys.stderr, flush=True);"
            f" os.kill(os.getpid(), {int(signal.SIGKILL)})",
            "ended by a signal",
        ),
    ],
)
def test_a_worker_that_dies_behind_slicers_launcher_gives_a_plain_message(
    host: Any, ready: Any, body: str, words: str
) -> None:
    before = contents()
    start(host, ready, body, "PythonSlicer")
    wait_for_end(host, ready)
    assert words in ready.ui.errorLabel.text
    assert_as_before(ready, before)


def test_cancel_ends_the_worker_behind_slicers_launcher_as_well(host: Any, ready: Any, tmp_path: Path) -> None:
    before = contents()
    pid = tmp_path / "pid"
    body = f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n{in_stage('segment')}"
    start(host, ready, body, "PythonSlicer")
    host.wait_until(lambda: "left-by-worker" in leftovers())
    worker = psutil.Process(int(pid.read_text()))
    host.click(ready.ui.cancelButton)
    wait_for_end(host, ready)
    host.wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    assert_cancelled(ready, before)


def test_the_details_button_opens_the_log(host: Any, ready: Any) -> None:
    start(host, ready, "print('the reason', file=sys.stderr); sys.exit(3)")
    wait_for_end(host, ready)
    assert ready.ui.logSection.collapsed
    host.click(ready.ui.detailsButton)
    assert not ready.ui.logSection.collapsed
    assert "the reason" in ready.ui.logText.toPlainText()


def test_a_missing_python_of_slicer_is_reported(host: Any, ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents()
    monkeypatch.setenv("PATH", "")
    host.click(ready.ui.applyButton)
    wait_for_end(host, ready)
    assert "PythonSlicer" in ready.ui.errorLabel.text
    assert_as_before(ready, before)


def test_a_second_run_is_refused_and_the_first_goes_on(host: Any, ready: Any) -> None:
    from NephroSynthLib.errors import UsageError

    start(host, ready, in_stage("segment"))
    assert not ready.ui.applyButton.enabled
    with pytest.raises(UsageError, match="in progress"):
        ready.panel.run.start()
    assert ready.panel.run.running
    host.click(ready.ui.cancelButton)
    wait_for_end(host, ready)


def test_inputs_removed_during_the_run_leave_no_half_result(
    host: Any, ready: Any, exam_nodes: dict[str, Any], result_folder: Path
) -> None:
    import slicer

    before: list[Any] = []

    def remove_inputs() -> None:
        for node in exam_nodes.values():
            slicer.mrmlScene.RemoveNode(node)
        before.append(contents())

    start_played(host, ready, result_folder, remove_inputs)
    wait_for_end(host, ready)
    assert "removed during the run" in ready.ui.errorLabel.text
    assert before == [contents()]
    assert leftovers() == []
    assert not ready.ui.applyButton.enabled


def test_closing_the_scene_ends_the_run(host: Any, ready: Any) -> None:
    import slicer

    start(host, ready, in_stage("segment"))
    host.wait_until(lambda: "left-by-worker" in leftovers())
    slicer.mrmlScene.Clear(0)
    host.process_events()
    assert not ready.panel.run.running
    assert leftovers() == []
    assert "scene was closed" in ready.ui.errorLabel.text
    assert ready.panel.parameters().noncontrast is None
    assert not ready.ui.applyButton.enabled


def test_an_export_counts_as_written_once_its_folder_is_there(
    host: Any, ready: Any, result_folder: Path, tmp_path: Path
) -> None:
    """The scene is closed before the worker has ended."""
    import slicer

    start_played(host, ready, result_folder)
    wait_for_end(host, ready)
    body = "os.makedirs(job['out']); open(job['out'] + '/report.html', 'w').close(); time.sleep(60)"
    ready.panel.loop.worker_command = lambda: program(body)
    export = ready.panel.export
    ready.ui.exportFolderEdit.currentPath = str(tmp_path / "out")
    for box in ("Nrrd", "Nifti", "Dicom", "Scene"):
        getattr(ready.ui, f"export{box}CheckBox").checked = False
    ready.ui.exportReportCheckBox.checked = True
    export.export()
    host.wait_until(lambda: bool(list(tmp_path.glob("out/*/report.html"))))
    slicer.mrmlScene.Clear(0)
    host.wait_until(lambda: not export.running)
    assert ready.ui.exportLabel.text.startswith(f"Written to {tmp_path / 'out'}")


def test_reloading_the_module_ends_the_run(host: Any, ready: Any) -> None:
    start(host, ready, in_stage("segment"))
    host.wait_until(lambda: "left-by-worker" in leftovers())
    ready.cleanup()
    assert leftovers() == []
    host.widget = host.load_module(MODULE)
    host.process_events()
    assert host.widget.panel.parameters().noncontrast.GetName() == "Noncontrast"


def test_the_parameters_are_those_of_the_scene(host: Any, ready: Any, exam_nodes: dict[str, Any]) -> None:
    ready.ui.stepsSpinBox.value = 7
    host.process_events()
    node = ready.panel.parameters().parameterNode
    assert node.GetParameter("steps") == "7"
    assert node.GetNodeReferenceID("noncontrast") == exam_nodes["noncontrast"].GetID()
    host.click(ready.ui.advancedSection, (20, 8))
    ready.panel.advanced.end_now()
    host.click(ready.ui.restoreDefaultsButton)
    assert ready.ui.stepsSpinBox.value == options.STEPS.default


def test_a_run_that_cannot_start_leaves_no_bars(host: Any, ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**order: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(ready.panel.run._logic, "run", refuse)
    host.click(ready.ui.applyButton)
    assert ready.ui.errorWidget.visible
    assert not ready.ui.progressWidget.visible
    assert ready.ui.applyButton.enabled


def test_a_search_that_ends_while_a_scene_is_read_chooses_and_says_nothing(
    host: Any, widget: Any, exam_nodes: dict[str, Any]
) -> None:
    from NephroSynthLib.mrml.phase_search import PhaseSuggestion

    found = PhaseSuggestion(**exam_nodes, reasons={"noncontrast": "dark kidneys"}, warnings=[])
    scene = exam_nodes["noncontrast"].GetScene()
    scene.StartState(scene.ImportState)
    widget.panel.inputs._found(found)
    scene.EndState(scene.ImportState)
    host.process_events()
    assert widget.ui.noncontrastSelector.currentNode() is None
    assert not widget.ui.phasesLabel.visible
