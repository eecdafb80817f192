"""Decides what this machine has of the programs, libraries, display and fonts that some tests need.

Tests ask nowhere else: a test names its needs in the marker `system`, and the folders in `ROOMS` need something as a
whole, because their files cannot even be imported without it.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable
from functools import cache
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).parent
ROOMS = {HERE / "Gui": "window", HERE / "SlicerHost": "window", HERE / "Unit" / "mrml": "slicer"}
"""Folders whose tests all need the same."""

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts servers; the PATH of an ordinary user does not have these folders."""

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")

NEVER_DEMANDED = ("browser",)
"""Needs that even a machine with all packages of the purpose `test` may lack: Ubuntu's apt has no Chromium."""


@cache
def missing(need: str) -> str | None:
    """Returns the reason why a need of `NEEDS` is not met, or None where it is."""
    return NEEDS[need]()


def room_needs(path: Path) -> str | None:
    """Returns what all tests in a file need because of the folder that it is in, or None."""
    return next((need for room, need in ROOMS.items() if room in path.parents), None)


def find_program(name: str) -> str | None:
    """Returns the path of a program, or None where it is not installed."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS)


def _program(name: str, package: str) -> Callable[[], str | None]:
    return lambda: None if find_program(name) else f"the program {name} is not installed (Debian's package {package})"


def _module(name: str, distribution: str) -> str | None:
    """Imports a module for real: it may be installed and still lack a shared library of the system."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        return f"{distribution} is not installed ({error})"
    except ImportError as error:
        return f"{distribution} lacks a library of the system ({error})"
    return None


def _slicer() -> str | None:
    return _module("slicer", "slicer-core")


def _window() -> str | None:
    return _module("PySide6.QtWidgets", "PySide6") or _slicer() or _display() or _fonts()


def _display() -> str | None:
    sys.path.insert(0, str(HERE / "SlicerHost"))
    return importlib.import_module("slicer_host.x_display").display_problem()


def _fonts() -> str | None:
    if sys.platform != "linux":
        return None
    folders = [Path(folder).expanduser() for folder in FONT_FOLDERS]
    if any(file.suffix.lower() in (".ttf", ".otf", ".ttc") for folder in folders for file in folder.rglob("*")):
        return None
    return "no font is installed (Debian's package fonts-dejavu-core)"


def _view() -> str | None:
    return _module("trame_slicer", "trame-slicer (the extra 'view')") or _slicer()


def _browser() -> str | None:
    if find_program("chromium") is None:
        return "the program chromium is not installed (Debian's package chromium)"
    return _module("playwright", "playwright")


def _processes() -> str | None:
    try:
        get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        return f"processes cannot share a lock on this system ({error}), which training needs"
    return None


NEEDS: dict[str, Callable[[], str | None]] = {
    "cmake": _program("cmake", "cmake"),
    "dciodvfy": _program("dciodvfy", "dicom3tools"),
    "orthanc": _program("Orthanc", "orthanc"),
    "processes": _processes,
    "slicer": _slicer,
    "view": _view,
    "browser": _browser,
    "window": _window,
}
"""What tests may need, each with a function that returns why it is missing."""
