"""The module's classes as Slicer uses them: at its start, when it is reloaded, and by its own test."""

from __future__ import annotations

import shutil
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from gui_exam import MODULE


def ours() -> dict[str, ModuleType]:
    packages = ("NephroSynth", "NephroSynthPanel", "NephroSynthLib")
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] in packages}


@pytest.fixture
def developed(
    host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played_worker: tuple[str, ...]
) -> Iterator[Path]:
    """A copy of the module's folder, loaded in developer mode; afterwards the host has the module as it was.

    Its worker takes the sample exam and the result of a run from small files.
    """
    import SampleData
    import slicer

    registered = SampleData.SampleDataLogic.sampleDataSourcesByCategory()
    samples = registered["NephroSynth"][:]
    settings = slicer.app.userSettings()
    settings.setValue("Developer/DeveloperMode", True)
    settings.setValue("Developer/SelfTestDisplayMessageDelay", 0)
    before, folder = ours(), tmp_path / "NephroSynth"
    shutil.copytree(MODULE.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "NephroSynthPanel" / "qt_event_loop.py").open("a", encoding="utf-8") as edited:
        edited.write(f"\n\ndef worker_command() -> tuple[str, ...]:\n    return {played_worker!r}\n")
    monkeypatch.syspath_prepend(folder)
    for name in before:
        if name.startswith("NephroSynthPanel"):
            del sys.modules[name]
    host.widget.cleanup()
    host.widget = host.load_module(folder / MODULE.name)
    yield folder
    slicer.modules.NephroSynthWidget.cleanup()
    settings.setValue("Developer/DeveloperMode", False)
    for name in ours():
        del sys.modules[name]
    sys.modules.update(before)
    monkeypatch.undo()
    host.widget = host.load_module(MODULE)
    registered["NephroSynth"][:] = samples


def test_the_module_loads_where_no_window_shows_the_scene(widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    monkeypatch.setattr(slicer, "mrmlScene", slicer.vtkMRMLScene())
    slicer.modules.NephroSynthInstance._started()


def test_a_reload_picks_up_an_edited_file_of_the_panel(host: Any, developed: Path) -> None:
    import slicer

    edited = developed / "NephroSynthPanel" / "panel.py"
    text = edited.read_text(encoding="utf-8")
    assert "ui.noticeLabel.text = f" in text
    edited.write_text(text.replace("ui.noticeLabel.text = f", "ui.noticeLabel.text = 'Edited. ' + f"), encoding="utf-8")
    assert "Edited" not in host.widget.ui.noticeLabel.text
    library = sys.modules["NephroSynthLib.imaging.window"]
    host.click(host.widget.reloadButton)
    reloaded = slicer.modules.NephroSynthWidget
    assert reloaded is not host.widget
    assert reloaded.ui.noticeLabel.text.startswith("Edited. Research use only")
    assert sys.modules["NephroSynthLib.imaging.window"] is not library


def test_a_reload_of_code_that_cannot_be_loaded_leaves_the_panel_as_it_was(host: Any, developed: Path) -> None:
    import slicer

    with (developed / "NephroSynthPanel" / "panel.py").open("a", encoding="utf-8") as edited:
        edited.write("def (:")
    before = ours()
    with pytest.raises(SyntaxError):
        host.widget.onReload()
    assert ours() == before
    assert slicer.modules.NephroSynthWidget is host.widget
    assert host.widget.panel is not None


def test_a_reload_is_refused_while_packages_are_installed(
    host: Any, developed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from NephroSynthPanel import installation

    before = ours()
    monkeypatch.setattr(installation, "in_progress", lambda: True)
    with pytest.raises(Exception, match="being installed"):
        host.widget.onReload()
    assert ours() == before
    assert host.widget.panel is not None


def test_reload_and_test_passes(host: Any, developed: Path, exam_nodes: dict[str, Any]) -> None:
    import slicer

    host.click(host.widget.reloadTestMenuButton)
    run = slicer.modules.NephroSynthWidget.panel.current_run()
    assert run.noncontrast.GetName() == "Simulated CTU non-contrast"
    assert run.report is not None
    assert list(Path(slicer.app.temporaryPath).iterdir()) == []


def test_the_modules_own_test_skips_only_the_run_where_packages_are_missing(
    widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from NephroSynthPanel import installation

    monkeypatch.setattr(installation, "missing", lambda wanted: [installation.TORCH])
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(sys.modules["NephroSynth"].NephroSynthTest).run(result)
    [(_, reason)] = result.skipped
    assert "torch" in reason
    assert result.testsRun == 4
    assert result.wasSuccessful(), (result.failures, result.errors)
