"""Collects the exceptions of slots, timers and observers, which no caller sees."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

import vtk


class Failures:
    """Collects the exceptions that Qt and VTK would only print, and VTK's error messages."""

    def __init__(self) -> None:
        self.exceptions: list[BaseException] = []
        self.vtk_errors: list[str] = []
        self._hook = sys.excepthook
        self._window = vtk.vtkOutputWindow.GetInstance()
        self._own_window = vtk.vtkStringOutputWindow()
        self._own_window.AddObserver("ErrorEvent", self._vtk_error)
        self._own_window.AddObserver("WarningEvent", self._vtk_warning)
        sys.excepthook = self._exception
        vtk.vtkOutputWindow.SetInstance(self._own_window)

    def close(self) -> None:
        """Restores the hooks that were there before."""
        sys.excepthook = self._hook
        vtk.vtkOutputWindow.SetInstance(self._window)

    def raise_first(self) -> None:
        """Raises the first exception that has not been raised yet, and notes the others on it."""
        if not self.exceptions:
            return
        first, *others = self.exceptions
        self.exceptions = []
        for other in others:
            first.add_note("and then: " + "".join(traceback.format_exception_only(other)).strip())
        raise first

    def _exception(self, kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        """Does as Slicer does, which writes to the console and goes on; the test hears of it from `raise_first`."""
        traceback.print_exception(kind, value, trace)
        self.exceptions.append(value)
        # A frame that Qt still waits for must not keep a painter open.
        traceback.clear_frames(trace)

    def _vtk_error(self, _window: object, _event: str) -> None:
        self.vtk_errors.append(_last_message(self._own_window))

    def _vtk_warning(self, _window: object, _event: str) -> None:
        sys.stderr.write(_last_message(self._own_window))


def _last_message(window: vtk.vtkStringOutputWindow) -> str:
    return str(window.GetOutput()).rstrip().split("\n\n")[-1] + "\n"
