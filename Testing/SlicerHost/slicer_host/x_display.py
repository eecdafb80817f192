"""An X display to draw on: the one of the environment, or an Xvfb that this process starts."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QLibraryInfo


class XvfbMissing(RuntimeError):
    """There is no display on which Qt can draw; the message says what is missing."""


def display_problem() -> str | None:
    """Returns the reason why `open_display` cannot give Qt a display, or None where it can."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return None
    if problem := _library_problem():
        return problem
    if not _display_answers() and shutil.which("Xvfb") is None:
        return "no display answers, and the program Xvfb is not installed (Debian's package xvfb)"
    return None


def open_display(size: str = "1920x1200x24") -> None:
    """Starts Xvfb where the environment names no display that answers; Xvfb ends with this process.

    Raises:
        XvfbMissing: Xvfb, or a library that Qt needs to talk to it, is not installed.
    """
    if problem := display_problem():
        raise XvfbMissing(problem)
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") == "offscreen" or _display_answers():
        return
    read_end, write_end = os.pipe()
    subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", size, "-nolisten", "tcp", "-terminate"],
        pass_fds=[write_end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        number = answer.readline().strip()
    if not number:
        raise XvfbMissing("Xvfb ended without opening a display")
    os.environ["DISPLAY"] = f":{number}"


def _library_problem() -> str | None:
    """Loads Qt's X plugin, because Qt ends the whole process where it cannot be loaded."""
    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    if plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            return f"Qt cannot talk to a display ({error})"
    return None


def _display_answers() -> bool:
    """Connects to the display that the environment names, because Qt ends the whole process where that fails."""
    if not os.environ.get("DISPLAY"):
        return False
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers
