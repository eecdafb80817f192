"""The sample exam in Slicer's Sample Data module."""

from __future__ import annotations

import os
from typing import Any

import slicer
from slicer.i18n import tr as _

SAMPLE_NAME = _("Simulated CT urography exam")


def register_sample_data(icons: str) -> None:
    """Adds the sample exam to the Sample Data module.

    Args:
        icons: The folder with the thumbnail.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="NephroSynth",
        sampleName=SAMPLE_NAME,
        uris="",
        fileNames="",
        nodeNames=SAMPLE_NAME,
        customDownloader=_download,
        thumbnailFileName=os.path.join(icons, "NephroSynthExam.png"),
    )


def _download(source: Any) -> list[Any]:
    """Loads the exam through the module's panel, which shows the progress. The Sample Data module calls this."""
    widget = slicer.modules.nephrosynth.widgetRepresentation().self()
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("NephroSynth")
    return widget.load_sample()
