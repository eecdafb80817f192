"""The host's application: settings, and modules of the package slicer that come when they are imported."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest


def test_all_settings_are_those_of_the_user_and_none_of_this_computer(slicer_host: Any) -> None:
    import qt
    import slicer

    slicer.app.userSettings().setValue("Developer/Probe", 7)
    assert int(slicer.util.settingsValue("Developer/Probe", 0)) == 7
    assert qt.QSettings().fileName() == slicer.app.slicerUserSettingsFilePath
    assert slicer.app.slicerUserSettingsFilePath.startswith(slicer.app.temporaryPath.removesuffix("tmp"))


def test_slicer_has_its_packaging_module_only_when_that_was_imported(slicer_host: Any) -> None:
    import slicer

    assert not hasattr(slicer, "packaging")
    from slicer import packaging

    assert slicer.packaging is packaging
    assert callable(packaging.pip_install)


def test_an_installation_shows_a_modal_dialog_and_the_event_loop_runs(slicer_host: Any) -> None:
    import qt
    from slicer import packaging

    seen: list[Any] = []
    beneath = qt.QPushButton("Apply")
    beneath.show()
    timer = qt.QTimer()

    def look() -> None:
        seen.append(qt.QApplication.activeModalWidget())
        with pytest.raises(AssertionError, match="in the way"):
            slicer_host.click(beneath)

    timer.connect("timeout()", look)
    timer.start(20)
    packaging.pip_install(["--no-index", "pip"], requester="NephroSynth")  # pip is there already
    timer.stop()
    beneath.hide()
    assert {dialog.windowTitle for dialog in seen} == {"NephroSynth - Installing Python Packages"}
    assert qt.QApplication.activeModalWidget() is None
    assert slicer_host.dialogs_seen == []  # nobody had to answer it


def test_an_installation_that_fails_shows_an_error_first(slicer_host: Any) -> None:
    from slicer import packaging

    slicer_host.expect_dialog("OK")
    with pytest.raises(subprocess.CalledProcessError):
        slicer_host.in_event_loop(lambda: packaging.pip_install(["--no-index", "no-such-package-anywhere"]))
    assert "Package installation failed." in slicer_host.dialogs_seen[-1]


def test_a_sample_is_not_made_by_its_own_function_when_it_is_asked_for_by_name(slicer_host: Any) -> None:
    import SampleData

    made: list[Any] = []
    logic = SampleData.SampleDataLogic
    logic.registerCustomSampleDataSource("Tests", "Drawn exam", "", "", "Exam", customDownloader=made.append)
    try:
        with pytest.raises(RuntimeError, match="Failed to load node"):
            SampleData.downloadSample("Drawn exam")
        assert made == []
    finally:
        del logic.sampleDataSourcesByCategory()["Tests"]
