"""An X display to draw on: the one there is, or an Xvfb of our own."""

from __future__ import annotations

import os
import shutil
import subprocess


class XvfbMissing(RuntimeError):
    """There is neither a display nor a program that makes one."""


class XDisplay:
    """Starts Xvfb where DISPLAY is not set; `close` ends it."""

    def __init__(self, size: str = "1920x1200x24") -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
            return
        if shutil.which("Xvfb") is None:
            raise XvfbMissing("no display, and Xvfb (Debian's package xvfb) is not installed")
        read_end, write_end = os.pipe()
        command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", size, "-nolisten", "tcp"]
        self._process = subprocess.Popen(
            command, pass_fds=[write_end], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise XvfbMissing("Xvfb ended without opening a display")
        os.environ["DISPLAY"] = f":{number}"

    def close(self) -> None:
        """Ends the Xvfb that this object started."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            os.environ.pop("DISPLAY", None)
