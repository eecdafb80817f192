"""The messages of the renderer itself, such as its search for a display on a server that has none."""

from __future__ import annotations

import vtk


def mute_renderer() -> None:
    """Keeps VTK's own warnings off the terminal, where they would bury the program's messages."""
    vtk.vtkObject.GlobalWarningDisplayOff()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
