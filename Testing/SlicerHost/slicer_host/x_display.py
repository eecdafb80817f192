"""An X display to draw on: the one there is, or an Xvfb of our own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

from PySide6.QtCore import QLibraryInfo


class XvfbMissing(RuntimeError):
    """There is no display that Qt can draw on, and what is missing to make one."""


def open_display(size: str = "1920x1200x24") -> None:
    """Starts Xvfb where DISPLAY is not set; it ends with this process.

    Raises:
        XvfbMissing: Xvfb, or a library that Qt needs to talk to it, is not installed.
    """
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        return
    _check_libraries()
    if os.environ.get("DISPLAY"):
        return
    if shutil.which("Xvfb") is None:
        raise XvfbMissing("no display, and Xvfb (Debian's package xvfb) is not installed")
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


def _check_libraries() -> None:
    """Qt ends the process where its X plugin cannot be loaded; this says which library is missing."""
    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    if plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            raise XvfbMissing(f"Qt cannot talk to a display: {error}") from error
