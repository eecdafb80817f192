"""The whole workflow by clicks alone: sample exam, run, check, comparison, export, saved scene; with pictures.

NEPHROSYNTH_SCREENSHOTS=Documentation/Images writes the pictures of the documentation anew. With
NEPHROSYNTH_FULL_SAMPLE=1 they show the sample exam and the run as users get them, which takes minutes. Without it the
worker checks the requests, and takes the exam and the result of the run from small files.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from film import Film

FOREVER_S = 1500.0
PICTURED = os.environ.get("NEPHROSYNTH_SCREENSHOTS")
FILM = {
    "1-sample-exam": 1500,
    "4-result": 2000,
    "5-checkerboard": 1500,
    "6-before-registration": 1200,
    "7-after-registration": 1500,
    "8-side-by-side": 2000,
}
"""The pictures that the film of a run shows, each for this time in ms."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(PICTURED).resolve() if PICTURED else tmp_path_factory.mktemp("pictures")


@pytest.fixture
def clicks(host: Any, widget: Any, pictures: Path, played_worker: tuple[str, ...]) -> Clicks:
    if not os.environ.get("NEPHROSYNTH_FULL_SAMPLE"):
        widget.panel.loop.worker_command = lambda: played_worker
    return Clicks(host, widget, pictures)


class Clicks:
    """A user: clicks, looks, waits."""

    def __init__(self, host: Any, widget: Any, pictures: Path) -> None:
        self.host, self.ui, self.panel = host, widget.ui, widget.panel
        self._pictures = pictures
        self._film, self._filmed = Film(), 0

    def click(self, *names: str) -> None:
        for name in names:
            widget = getattr(self.ui, name)
            self.host.scroll_to(widget)
            self.host.click(widget, (8, widget.height // 2) if widget.className() == "QCheckBox" else None)
            self.host.wait_until(lambda: not (self.panel.check.busy or self.panel.comparison.busy))
            assert not self.ui.errorWidget.visible, f"{name}: {self.ui.errorLabel.text}"

    def fold(self, name: str) -> None:
        """Clicks the header of a section."""
        self.host.click(getattr(self.ui, name), (30, 8))

    def click_in_view(self, view: Any, x: int, y: int) -> None:
        """Moves the mouse there and clicks, as markups are placed."""
        from PySide6.QtCore import QPoint
        from PySide6.QtTest import QTest
        from slicer_host.pythonqt import to_qt

        for near in (4, 0):
            QTest.mouseMove(to_qt(view), QPoint(x - near, y - near))
            self.host.process_events(0.05)
        self.host.click(view, (x, y))

    def drag_slider(self, name: str, fraction: float) -> None:
        """Drags the handle of a slider from where it is to a fraction of its length."""
        from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider
        from slicer_host.pythonqt import to_qt

        slider = to_qt(getattr(self.ui, name)).findChild(QSlider)
        option = QStyleOptionSlider()
        slider.initStyleOption(option)
        part = QStyle.SubControl.SC_SliderHandle
        handle = slider.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, slider).center()
        self.host.drag(slider, (handle.x(), handle.y()), (round(fraction * slider.width()), handle.y()))

    def type_path(self, name: str, path: Path) -> None:
        from PySide6.QtWidgets import QLineEdit
        from slicer_host.pythonqt import to_qt

        self.host.type(to_qt(getattr(self.ui, name)).findChild(QLineEdit), str(path))
        assert getattr(self.ui, name).currentPath == str(path)

    def picture(self, name: str) -> None:
        path = self.host.screenshot(self._pictures / f"{name}.png")
        assert path.stat().st_size > 20_000
        if PICTURED:
            from PIL import Image

            if name in FILM:
                self._film.add(path, FILM[name])
            picture = Image.open(path).convert("RGB")
            picture.quantize(128, Image.Quantize.MAXCOVERAGE, kmeans=2).save(path, optimize=True)

    def film_progress(self) -> None:
        """Adds the window to the film whenever a run has got further by a tenth."""
        tenth = int(10 * self.ui.overallBar.value / self.ui.overallBar.maximum)
        if PICTURED and tenth > self._filmed:
            self._filmed = tenth
            path = self._pictures / "progress.png"
            self._film.add(self.host.screenshot(path), 400)
            path.unlink()

    def save_film(self) -> None:
        """Writes the film of the run beside the pictures."""
        if PICTURED:
            self._film.save(self._pictures / "run.gif")


def test_from_the_sample_exam_to_the_reloaded_scene(
    clicks: Clicks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sample_folder: Path,
    played_worker: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    load_sample(clicks)
    ask_for_two_samples(clicks)
    run(clicks)
    check_registration(clicks)
    compare(clicks)
    export(clicks, Path("CTU exports"))
    reload_scene(clicks, tmp_path / "My patient.mrb")
    run_batch(clicks, sample_folder, played_worker)


def load_sample(clicks: Clicks) -> None:
    clicks.click("loadSampleButton")
    clicks.host.wait_until(lambda: not clicks.panel.inputs.busy, FOREVER_S)
    assert clicks.ui.applyButton.enabled, clicks.ui.statusLabel.text
    assert clicks.ui.noncontrastSelector.currentNode().GetName() == "Simulated CTU non-contrast"
    clicks.picture("1-sample-exam")


def ask_for_two_samples(clicks: Clicks) -> None:
    """Opens the advanced settings, which show the devices, and types how many samples the run draws."""
    from PySide6.QtWidgets import QLineEdit
    from slicer_host.pythonqt import to_qt

    clicks.fold("advancedSection")
    clicks.host.wait_until(lambda: "free" in clicks.ui.deviceInfoLabel.text, 120.0)
    assert "simulated" in clicks.ui.modelCardLabel.text
    clicks.host.type(to_qt(clicks.ui.samplesSpinBox).findChild(QLineEdit), "2")
    assert clicks.panel.parameters().samples == 2
    clicks.picture("2-advanced")
    clicks.fold("advancedSection")


def run(clicks: Clicks) -> None:
    clicks.click("applyButton")
    clicks.host.wait_until(lambda: clicks.ui.registerBar.value > 0 or not clicks.panel.run.running, FOREVER_S)
    clicks.host.wait_until(lambda: "left" in clicks.ui.overallBar.format, 30.0)
    clicks.picture("3-progress")
    while clicks.panel.run.running:
        clicks.host.process_events(0.1)
        clicks.film_progress()
    assert "Done" in clicks.ui.statusLabel.text, clicks.ui.errorLabel.text
    clicks.click("surfacesCheckBox")
    names = {node.GetName() for node in clicks.panel.current_run().aligned.values()}
    assert "Synthetic NP" in names
    assert clicks.ui.inputsSection.collapsed
    clicks.picture("4-result")


def check_registration(clicks: Clicks) -> None:
    assert "Registration" in clicks.ui.verdictLabel.text
    clicks.click("rightKidneyButton", "checkerboardButton")
    clicks.picture("5-checkerboard")
    clicks.click("flickerButton")
    assert not clicks.ui.checkerboardButton.checked
    clicks.host.process_events(0.6)
    clicks.click("beforeButton", "leftKidneyButton")
    clicks.drag_slider("fadeSlider", 0.2)
    assert 0.1 < clicks.ui.fadeSlider.value < 0.3
    clicks.drag_slider("fadeSlider", 0.5)
    assert 0.4 < clicks.ui.fadeSlider.value < 0.6
    clicks.picture("6-before-registration")
    clicks.click("beforeButton")
    clicks.picture("7-after-registration")
    shown = clicks.panel.current_run().transform
    clicks.click("gridButton", "vectorsButton", "gridButton", "resetViewsButton")
    assert not clicks.ui.vectorsButton.checked
    assert shown.GetDisplayNode().GetVisibility2D()
    clicks.picture("displacement-grid")
    clicks.click("gridButton")
    assert not shown.GetDisplayNode().GetVisibility2D()
    clicks.fold("checkSection")
    clicks.fold("comparisonSection")


def compare(clicks: Clicks) -> None:
    clicks.click("sideBySideButton", "windowButton")
    clicks.picture("8-side-by-side")
    clicks.click("twoByTwoButton")
    clicks.picture("9-two-by-two")
    clicks.click("threePlanesButton")
    clicks.picture("10-three-planes")
    clicks.click("differenceButton")
    clicks.picture("11-difference")
    clicks.save_film()
    clicks.click("differenceButton", "kidneyHUButton")
    assert clicks.ui.kidneyHUTableView.mrmlTableNode().GetNumberOfRows() > 0
    clicks.click("histogramButton")
    clicks.picture("12-histogram")
    draw_line(clicks)
    clicks.picture("13-line-profile")
    clicks.click("uncertaintyButton")
    clicks.picture("14-uncertainty")
    clicks.click("uncertaintyButton", "restoreLayoutButton")
    clicks.fold("comparisonSection")


def draw_line(clicks: Clicks) -> None:
    import slicer

    from NephroSynthLib.mrml.views import slice_views

    clicks.click("profileButton")
    view = slicer.app.layoutManager().sliceWidget(slice_views(slicer.mrmlScene)[0]).sliceView()
    for x in (0.25, 0.45):
        clicks.click_in_view(view, round(x * view.width), round(0.55 * view.height))
    clicks.host.wait_until(lambda: not clicks.panel.comparison.busy)
    run = clicks.panel.current_run()
    assert run.line.GetNumberOfDefinedControlPoints() == 2
    assert run.profile.GetNumberOfPlotSeriesNodes() == 4


def export(clicks: Clicks, out: Path) -> None:
    import slicer

    clicks.fold("exportSection")
    clicks.type_path("exportFolderEdit", out)
    saved_to = slicer.mrmlScene.GetURL()
    clicks.click("exportNiftiCheckBox", "exportDicomCheckBox", "exportSceneCheckBox")
    clicks.click("exportButton")
    clicks.host.wait_until(lambda: not clicks.panel.export.running, FOREVER_S)
    assert "Written to" in clicks.ui.exportLabel.text, clicks.ui.exportLabel.text
    clicks.picture("15-export")
    assert slicer.mrmlScene.GetURL() == saved_to
    (folder,) = out.iterdir()
    names = {path.name for path in folder.iterdir()}
    volumes = {f"{name}{suffix}" for name in ("synthetic_nephrographic", "kidneys") for suffix in (".nrrd", ".nii.gz")}
    assert names > {*volumes, "dicom", "report.html", "result.json", f"{folder.name}.mrb"}
    assert len(list((folder / "dicom").rglob("*.dcm"))) > 16
    assert json.loads((folder / "result.json").read_text())["notice"].startswith("Research use only")
    assert "Research use only" in (folder / "report.html").read_text()


def reload_scene(clicks: Clicks, file: Path) -> None:
    clicks.host.expect_dialog(file)
    clicks.host.choose("File", "Save Data")
    assert file.stat().st_size > 100_000
    clicks.host.choose("File", "Close Scene")
    assert clicks.panel.current_run() is None
    clicks.host.expect_dialog(file)
    clicks.host.choose("File", "Add Data")
    clicks.host.process_events()
    run = clicks.panel.current_run()
    assert run is not None
    assert run.summary["registration"]["passed"] in (True, False)
    assert set(run.aligned) == {
        "Non-contrast",
        "Excretory (registered)",
        "Synthetic nephrographic",
        "Acquired nephrographic",
    }
    assert "Research use only" in run.report.GetText()
    assert clicks.ui.noncontrastSelector.currentNode() is run.noncontrast
    clicks.fold("comparisonSection")
    clicks.click("twoByTwoButton")
    clicks.picture("16-reloaded-scene")


def run_batch(clicks: Clicks, exam: Path, worker: tuple[str, ...]) -> None:
    """Runs three exams whose results are played, and looks while the second one runs."""
    phases = [f"{exam / phase}.nrrd" for phase in ("noncontrast", "excretory")]
    lines = ["exam,noncontrast,excretory", *(",".join([f"exam {number}", *phases]) for number in (1, 2, 3))]
    Path("exams.csv").write_text("\n".join(lines), encoding="utf-8")
    clicks.panel.loop.worker_command = lambda: worker
    clicks.fold("comparisonSection")
    clicks.fold("batchSection")
    clicks.type_path("batchSourceEdit", Path("exams.csv"))
    clicks.type_path("batchFolderEdit", Path("results"))
    clicks.click("batchListButton")
    batch, table = clicks.panel.batch, clicks.ui.batchTable
    clicks.host.wait_until(lambda: not batch.busy)
    clicks.click("batchRunButton")
    clicks.host.wait_until(lambda: table.item(1, 1).text() == "Running" and clicks.ui.batchBar.value > 400, 60.0)
    clicks.host.wait_until(lambda: not batch.busy, 60.0)
    assert [table.item(row, 1).text() for row in range(3)] == ["Done"] * 3
