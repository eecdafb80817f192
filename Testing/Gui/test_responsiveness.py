"""The window answers during a run on an exam as large as a patient's; the worst case is shown after all tests."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from gui_workers import giving, program
from measuring import LongestWait

CT_SIZE = (512, 512, 300)


def large(image: sitk.Image, interpolator: int) -> sitk.Image:
    """A small image on the grid of a CT, as 16-bit integers."""
    grid = sitk.Image(CT_SIZE, sitk.sitkInt16)
    extent = [step * count for step, count in zip(image.GetSpacing(), image.GetSize(), strict=True)]
    grid.SetSpacing([length / count for length, count in zip(extent, CT_SIZE, strict=True)])
    return sitk.Resample(image, grid, sitk.Transform(), interpolator, -1000.0, sitk.sitkInt16)


@pytest.fixture(scope="module")
def large_result(result_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on a CT of a patient's size."""
    folder = tmp_path_factory.mktemp("large") / "result"
    shutil.copytree(result_folder, folder)
    for path in folder.glob("*.nrrd"):
        image = sitk.ReadImage(str(path))
        labels = path.stem == "kidneys"
        found = large(image, sitk.sitkNearestNeighbor if labels else sitk.sitkLinear)
        if labels:
            found = sitk.Cast(sitk.Clamp(found, lowerBound=0), sitk.sitkUInt8)
        sitk.WriteImage(found, str(path))
    return folder


@pytest.fixture
def large_exam(host: Any, large_result: Path) -> dict[str, Any]:
    """Inputs by the names of their selectors, the kidneys too."""
    import slicer

    from NephroSynthLib.mrml.segmentation_nodes import segmentation_from_labels
    from NephroSynthLib.mrml.volume_nodes import node_from_image

    scene, image = slicer.mrmlScene, sitk.ReadImage(str(large_result / "excretory_registered.nrrd"))
    phases = ("noncontrast", "excretory", "nephrographic")
    nodes = {phase: node_from_image(scene, image, phase.capitalize()) for phase in phases}
    labels = sitk.ReadImage(str(large_result / "kidneys.nrrd"))
    return {**nodes, "kidneysInput": segmentation_from_labels(scene, labels, "Mine", nodes["noncontrast"])}


def test_the_window_answers_on_a_large_ct_as_fast_as_on_a_small_one(
    host: Any,
    widget: Any,
    exam_nodes: dict[str, Any],
    result_folder: Path,
    large_exam: dict[str, Any],
    large_result: Path,
    report: Callable[[str], None],
) -> None:
    """Views, tables and combo boxes of the test host take their time whatever the size; the small exam shows how much.

    What the large exam takes beyond that is work of the module on its voxels.
    """
    small = _waits_of_a_run(host, widget, exam_nodes, result_folder, lambda text: None)
    large = _waits_of_a_run(host, widget, large_exam, large_result, report)
    for name, wait in large.items():
        report(
            f"longest wait of the event loop for {name}: {1000 * wait:.0f} ms on {CT_SIZE} voxels,"
            f" {1000 * small[name]:.0f} ms on a small exam"
        )
    beyond = {name: large[name] - small[name] for name in large}
    assert max(beyond.values()) < 10 * _usual_wait(), (small, large)


def _waits_of_a_run(
    host: Any, widget: Any, exam: dict[str, Any], result: Path, report: Callable[[str], None]
) -> dict[str, float]:
    """Runs an exam, reports how long the event loop waited, and returns that for each button that computes."""
    import qt

    for name, node in exam.items():
        getattr(widget.ui, f"{name}Selector").setCurrentNode(node)
    host.process_events(0.5)
    waits = LongestWait(lambda: widget.ui.statusLabel.text)
    widget.panel.loop.worker_command = lambda: program(giving(str(result)))
    widget.panel.run.start()
    while widget.panel.run.running:
        qt.QCoreApplication.processEvents()
    report(f"longest wait of the event loop in a run on {CT_SIZE} voxels: {waits.stop()}")
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    run = widget.panel.current_run()
    assert run is not None
    widget.ui.comparisonSection.collapsed = False
    host.process_events(0.5)
    buttons = ("checkerboardButton", "differenceButton", "histogramButton", "kidneyHUButton")
    longest = {name: _longest_wait(widget, name) for name in buttons}
    assert None not in (run.checkerboard, run.difference, run.histogram, run.kidneyHUTable)
    return longest


def _longest_wait(widget: Any, name: str) -> float:
    """Clicks a button, and returns how long this thread computed between two turns of the event loop, in s."""
    import qt

    getattr(widget.ui, name).click()
    longest, before = 0.0, time.thread_time()
    while widget.panel.check.busy or widget.panel.comparison.busy:
        qt.QCoreApplication.processEvents()
        longest, before = max(longest, time.thread_time() - before), time.thread_time()
    return longest


def _usual_wait() -> float:
    """Seconds that this computer takes for work that takes 10 ms on an idle one, so that 100 ms is ten times that."""
    values = np.arange(1_000_000, dtype=np.float64)
    before = time.thread_time()
    for _ in range(4):
        np.sqrt(values).sum()
    return max(0.01, time.thread_time() - before)
