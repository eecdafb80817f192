"""Errors and warnings of the library in the words of the panel."""

from __future__ import annotations

import re
import traceback

from slicer.i18n import tr as _

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.jobs.worker import as_our_error


def in_words(error: Exception) -> str:
    """What went wrong and what to do about it, without the command line's vocabulary."""
    ours: NephroSynthError = as_our_error(error)
    text = f"{ours.what} {ours.action}".strip()
    for option, words in _options().items():
        text = re.sub(rf"(?<![\w-]){option}(?![\w-])", words, text)
    return text


def details(error: Exception) -> str:
    """The traceback, of the worker too."""
    return "".join(traceback.format_exception(error))


def _options() -> dict[str, str]:
    return {
        "another --device": _("another device"),
        "--device cpu": _("the device CPU"),
        "a coarser --spacing": _("a larger voxel size under Advanced"),
        "another --out or temporary folder": _("another folder for temporary files in Slicer's settings"),
        "their segmentation with --kidneys": _("their segmentation as input"),
        "the output of --verbose": _("the log"),
        "--overwrite": _("the option to replace it"),
        "`nephrosynth models list`": _("the list under Advanced"),
    }
