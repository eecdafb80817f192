"""The sample exam: simulated on this computer by the worker, kept in Slicer's cache, loaded as three volumes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib import __version__
from NephroSynthLib.jobs.conversation import Message
from NephroSynthLib.mrml.display import set_ct_window, show_volume
from NephroSynthLib.mrml.views import fit_views
from NephroSynthLib.mrml.volume_nodes import read_into
from NephroSynthPanel.dicom_files import DICOM_FOLDER
from NephroSynthPanel.ticks import Ticks
from NephroSynthPanel.worker_process import WorkerProcess

SAMPLE_NAME = _("Simulated CT urography exam")
SEED = 900_001
SPACING_MM = (1.4, 1.4, 2.5)

NAMES = {
    "noncontrast": _("Simulated CTU non-contrast"),
    "excretory": _("Simulated CTU excretory"),
    "nephrographic": _("Simulated CTU nephrographic"),
}


class SampleExam:
    """Makes and loads the sample exam without blocking.

    Args:
        on_progress: Called with a fraction in [0, 1] and what goes on.
        on_end: Called once with the nodes by phase, or with the error.
    """

    def __init__(
        self,
        on_progress: Callable[[float, str], None],
        on_log: Callable[[str], None],
        on_end: Callable[[dict[str, Any] | None, Exception | None], None],
    ) -> None:
        self._on_progress, self._on_log, self._on_end = on_progress, on_log, on_end
        self._worker: WorkerProcess | None = None
        self._ticks: Ticks | None = None
        self._folder = sample_folder()

    @property
    def kept(self) -> bool:
        """Whether it was simulated before."""
        return all((self._folder / f"{phase}.nrrd").exists() for phase in NAMES)

    def start(self) -> None:
        """Loads the exam if it is kept already, and simulates it first if not."""
        if self.kept:
            self._load()
            return
        self._worker = WorkerProcess(self._heard, self._on_log, self._simulated)
        self._worker.start("sample", {"out": str(self._folder), "seed": SEED, "spacing": SPACING_MM, "overwrite": True})

    def end_now(self) -> None:
        """Ends it at once."""
        if self._worker is not None:
            self._worker.end_now()
        if self._ticks is not None:
            self._ticks.stop()

    def _heard(self, message: Message) -> None:
        if message["type"] == "progress":
            self._on_progress(0.8 * float(message["fraction"]), str(message["message"]))

    def _simulated(self, result: dict[str, Any] | None, error: Exception | None) -> None:
        self._worker = None
        if error is not None:
            self._on_end(None, error)
        else:
            self._load()

    def _load(self) -> None:
        self._ticks = Ticks(self._loading(), lambda step: self._on_progress(*step), self._on_end)

    def _loading(self) -> Iterator[tuple[float, str]]:
        scene = slicer.mrmlScene
        nodes: dict[str, Any] = {}
        for index, (phase, name) in enumerate(NAMES.items()):
            yield 0.8 + 0.2 * index / len(NAMES), _("Loading {name}").format(name=name)
            node = read_into(scene, self._folder / f"{phase}.nrrd", name)
            node.SetAttribute(DICOM_FOLDER, str(self._folder / "dicom" / phase))
            set_ct_window(node)
            nodes[phase] = node
        show_volume(scene, nodes["noncontrast"])
        fit_views(scene, nodes["noncontrast"])
        return nodes


def sample_folder() -> Path:
    """Where the sample exam is kept; another version, seed or voxel size is another exam."""
    size = "x".join(f"{step:g}" for step in SPACING_MM)
    return Path(slicer.app.cachePath) / f"NephroSynth-{__version__}-exam-{SEED}-{size}"


def register_sample_data(icons: str) -> None:
    """Shows the sample exam in the Sample Data module.

    Args:
        icons: The folder with the thumbnail.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="NephroSynth",
        sampleName=SAMPLE_NAME,
        uris="",
        fileNames="",
        nodeNames=next(iter(NAMES.values())),
        customDownloader=_download,
        thumbnailFileName=os.path.join(icons, "NephroSynthExam.png"),
    )


def _download(source: Any) -> list[Any]:
    """What the Sample Data module calls: loads the exam through the module's panel, which shows the progress."""
    widget = slicer.modules.nephrosynth.widgetRepresentation().self()
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("NephroSynth")
    return widget.load_sample()
