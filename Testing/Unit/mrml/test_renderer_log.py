"""Tests that the renderer's own messages stay off the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from NephroSynthLib.mrml.renderer_log import mute_renderer


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    import vtk

    before = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    yield
    vtk.vtkObject.GlobalWarningDisplayOn()
    vtk.vtkLogger.SetStderrVerbosity(before)


def test_a_warning_of_vtk_is_seen_before_and_not_after(capfd: pytest.CaptureFixture[str]) -> None:
    import vtk

    def warn() -> str:
        reader = vtk.vtkXMLImageDataReader()
        reader.SetFileName("/does/not/exist.vti")
        reader.Update()
        return capfd.readouterr().err

    assert "exist.vti" in warn()
    mute_renderer()
    assert warn() == ""
