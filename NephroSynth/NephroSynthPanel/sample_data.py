"""The sample exam in Slicer's Sample Data module."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.session.sample_exam import NAMES, PHASES, SampleExam

SAMPLE_NAME = _("Simulated CT urography exam")
_SCHEME = "nephrosynth:"


def register_sample_data(icons: str, simulate: Callable[[SampleExam], SampleExam]) -> None:
    """Adds the sample exam to the Sample Data module.

    The button of that module calls `_download`, which shows the progress in the panel. `SampleData.downloadSample`
    knows addresses only, so each phase has an address that a rule turns into the address of a simulated file.

    Args:
        icons: The folder with the thumbnail.
        simulate: Simulates the exam if it is not in the cache, and returns it.
    """
    import SampleData

    logic = SampleData.SampleDataLogic
    logic.registerUrlRewriteRule("NephroSynth", partial(_address_of_file, simulate))
    logic.registerCustomSampleDataSource(
        category="NephroSynth",
        sampleName=SAMPLE_NAME,
        uris=[f"{_SCHEME}{phase}" for phase in PHASES],
        fileNames=[f"{_exam().folder.name}-{phase}.nrrd" for phase in PHASES],
        nodeNames=[NAMES[phase] for phase in PHASES],
        customDownloader=_download,
        thumbnailFileName=os.path.join(icons, "NephroSynthExam.png"),
    )


def _exam() -> SampleExam:
    return SampleExam(Path(slicer.app.cachePath))


def _address_of_file(simulate: Callable[[SampleExam], SampleExam], address: str) -> str:
    """Returns the address of the file of a phase, and simulates the exam first if it is not in the cache."""
    if not address.startswith(_SCHEME):
        return address
    return simulate(_exam()).image(address.removeprefix(_SCHEME)).as_uri()


def _download(source: Any) -> list[Any]:
    """Loads the exam through the module's panel, which shows the progress. The Sample Data module calls this."""
    widget = slicer.modules.nephrosynth.widgetRepresentation().self()
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("NephroSynth")
    inputs = widget.panel.inputs
    inputs.load_sample()
    while inputs.busy:
        slicer.app.processEvents()
        time.sleep(0.01)
    parameters = widget.logic.parameters()
    return [getattr(parameters, phase) for phase in PHASES] if inputs.sample_loaded else []
