"""The host's application: settings, and modules of the package slicer that come when they are imported."""

from __future__ import annotations

from typing import Any


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
