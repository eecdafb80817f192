"""The window answers while the module works on an exam as large as a patient's; the waits are shown after all tests."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from gui_exam import SIZE, SPACING, small_image, small_labels
from gui_workers import giving, program
from measuring import LongestWait, ViewTime
from playing import choose, run

CT_SIZE = (512, 512, 300)
CONTROLS = (
    "checkerboardButton",
    "tilesSpinBox",
    "fadeSlider",
    "flickerButton",
    "beforeButton",
    "rightKidneyButton",
    "gridButton",
    "differenceButton",
    "uncertaintyButton",
    "histogramButton",
    "kidneyHUButton",
    "threePlanesButton",
)
LARGEST_MB = 400
"""The most memory of a view. A checkerboard or a difference of 512 x 512 x 300 whole numbers has 157 MB itself."""


def large(image: sitk.Image) -> sitk.Image:
    """A small image on the grid of a CT, by its nearest voxels, in whole numbers."""
    values = sitk.GetArrayViewFromImage(image)
    kind = np.uint8 if values.dtype == np.uint8 else np.int16
    z, y, x = (np.arange(new) * old // new for new, old in zip(reversed(CT_SIZE), values.shape, strict=True))
    found = sitk.GetImageFromArray(values.astype(kind)[np.ix_(z, y, x)])
    found.SetSpacing([step * old / new for step, old, new in zip(SPACING, SIZE, CT_SIZE, strict=True)])
    return found


@pytest.fixture(scope="module")
def large_result(result_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run on a CT of a patient's size, with an uncertainty."""
    folder = tmp_path_factory.mktemp("large") / "result"
    shutil.copytree(result_folder, folder)
    labels = large(small_labels())
    images = {
        "kidneys": labels,
        "uncertainty": sitk.Cast(labels, sitk.sitkInt16) * 12,
        "synthetic_nephrographic": large(small_image(40.0, 145.0)),
        "excretory_registered": large(small_image(40.0, 120.0)),
    }
    for name, image in images.items():
        (folder / f"{name}.nrrd").unlink(missing_ok=True)
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
    (folder / "acquired_registered.nrrd").unlink()
    (folder / "acquired_registered.nrrd").symlink_to(folder / "excretory_registered.nrrd")
    yield folder
    shutil.rmtree(folder)  # it is large


@pytest.fixture
def large_exam(host: Any, large_result: Path) -> dict[str, Any]:
    """Inputs by the names of their selectors, the kidneys too. The phases share their voxels."""
    import slicer
    from kidney_nodes import segmentation_from_labels

    from NephroSynthLib.mrml.volume_nodes import attach, node_from_image, prepare

    scene = slicer.mrmlScene
    content = prepare(sitk.ReadImage(str(large_result / "excretory_registered.nrrd")))
    nodes = {}
    for phase in ("noncontrast", "excretory", "nephrographic"):
        nodes[phase] = node_from_image(scene, sitk.Image(1, 1, 1, sitk.sitkInt16), phase.capitalize())
        attach(content, nodes[phase])
    labels = sitk.ReadImage(str(large_result / "kidneys.nrrd"))
    return {**nodes, "kidneysInput": segmentation_from_labels(scene, labels, "Mine", nodes["noncontrast"])}


def test_no_control_lets_the_window_wait_on_a_large_ct(
    host: Any,
    widget: Any,
    exam_nodes: dict[str, Any],
    result_folder: Path,
    large_exam: dict[str, Any],
    large_result: Path,
    report: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """The views of the test host take their time whatever the size; a small exam, looked at before, shows how much.

    What a large exam takes beyond that is work of the module on its voxels. Outlines are hidden, because MRML cuts the
    segments anew whenever a view moves.
    """
    gc.disable()  # what earlier tests left is no work of the module
    request.addfinalizer(gc.enable)
    ui, views = widget.ui, ViewTime(monkeypatch)
    ui.checkSection.collapsed = ui.comparisonSection.collapsed = False
    choose(widget, **exam_nodes)
    folder = tmp_path / "result"
    shutil.copytree(result_folder, folder)
    sitk.WriteImage(sitk.Cast(small_labels(), sitk.sitkInt16) * 12, str(folder / "uncertainty.nrrd"))
    run(host, widget, folder)
    ui.outlinesCheckBox.checked = False
    for _ in ("the views are made", "as later"):
        small = {name: _wait_of(widget, getattr(ui, name), views) for name in CONTROLS}
    choose(widget, **large_exam)
    host.process_events(0.5)
    widget.panel.loop.worker_command = lambda: program(giving(str(large_result)))
    report(f"longest wait in a run on {CT_SIZE} voxels: {_wait_of_a_run(widget, views)}")
    ui.outlinesCheckBox.checked = False
    host.process_events(0.5)
    beyond, usual = {}, _usual_wait()
    for name in CONTROLS:
        before = _memory_mb(reset=True)
        wait = _wait_of(widget, getattr(ui, name), views)
        memory = _memory_mb() - before
        beyond[name] = wait.busy_s - small[name].busy_s
        usual = max(usual, _usual_wait())
        report(f"{name}: {wait} on {CT_SIZE} voxels, {small[name]} on a small exam; at most {memory:.0f} MB more")
        assert memory < LARGEST_MB, name
        assert not ui.errorWidget.visible, ui.errorLabel.text
    worst = max(beyond, key=lambda name: beyond[name])
    report(f"worst wait beyond the small exam: {1000 * beyond[worst]:.0f} ms at {worst}; 10 ms take {1000 * usual:.0f}")
    assert beyond[worst] < 30 * usual, beyond


def _wait_of_a_run(widget: Any, views: ViewTime) -> LongestWait:
    import qt

    waits = LongestWait(lambda: widget.ui.statusLabel.text, views)
    widget.panel.run.start()
    while widget.panel.run.running:
        qt.QCoreApplication.processEvents()
    waits.stop()
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    return waits


def _wait_of(widget: Any, control: Any, views: ViewTime) -> LongestWait:
    """Uses a control, and measures until its views are shown."""
    import qt

    waits = LongestWait(lambda: "", views)
    if hasattr(control, "click"):
        control.click()
    else:
        control.value = control.value / 2
    while widget.panel.check.busy or widget.panel.comparison.busy:
        qt.QCoreApplication.processEvents()
    for _ in range(20):
        qt.QCoreApplication.processEvents()
    waits.stop()
    return waits


def _memory_mb(reset: bool = False) -> float:
    """The largest memory of this process since the last reset, where Linux tells it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _usual_wait() -> float:
    """Seconds that this computer takes for work that takes 10 ms on an idle one, so that 100 ms is ten times that."""
    values = np.arange(1_000_000, dtype=np.float64)
    before = time.thread_time()
    for _ in range(4):
        np.sqrt(values).sum()
    return max(0.01, time.thread_time() - before)
