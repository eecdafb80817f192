"""First use: the panel names the missing packages, asks once, and leaves Slicer's own packages unchanged."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from packaging.requirements import Requirement
from scene_state import start_played, wait_for_end


@pytest.fixture
def install(widget: Any) -> Any:
    from NephroSynthPanel import installation

    return installation


@pytest.fixture
def bare_python(install: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The packages of a fresh Slicer by name; an installation adds to the dictionary."""
    assert psutil.__version__  # a loaded package, as a restart is needed after the replacement of one
    installed = {"numpy": "2.0.2", "SimpleITK": "2.4.0", "scipy": "1.14.1", "pydicom": "3.0.1"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(install.metadata, "version", version)
    return installed


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The user's answer, followed by the questions that were asked."""
    import slicer

    given: list[Any] = [True]

    def ask(text: str, **options: Any) -> bool:
        given.append((text, options.get("detailedText", "")))
        return given[0]

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", ask)
    return given


@pytest.fixture
def pip(bare_python: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """The requirements and constraints of each call of pip."""
    asked: list[tuple[list[str], str]] = []

    def note(names: list[str], constraints: str) -> None:
        asked.append((names, constraints))
        bare_python.update({Requirement(name).name: "99.0" for name in names})

    def with_packaging(names: list[str], constraints: Path, requester: str) -> None:
        assert requester == "NephroSynth"
        note(names, constraints.read_text())

    monkeypatch.setattr("slicer.packaging.pip_install", with_packaging)

    return asked


@pytest.fixture
def pytorch_extension(bare_python: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Slicer's PyTorch extension; notes the versions that it was asked for."""
    asked: list[str] = []

    class Logic:
        def installTorch(self, torchVersionRequirement: str) -> object:  # noqa: N802, N803
            asked.append(torchVersionRequirement)
            bare_python["torch"] = "2.6.0"
            return object()

    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=Logic))
    return asked


def test_nothing_is_asked_where_nothing_is_missing(install: Any, widget: Any, answers: list[Any]) -> None:
    install.ensure_dependencies(widget.ui)
    assert answers == [True]


def test_the_user_is_asked_once_and_slicers_packages_are_held(
    install: Any,
    widget: Any,
    answers: list[Any],
    pip: list[tuple[list[str], str]],
    pytorch_extension: list[str],
) -> None:
    install.ensure_dependencies(widget.ui)
    _, (text, packages) = answers
    assert "Install them now?" in text
    assert "numpy are not replaced" in text
    assert {str(install.TORCH), "antspyx<0.7,>=0.5"} <= set(packages.split("\n"))
    assert all("<" in package for package in packages.split("\n"))
    ((names, constraints),) = pip
    assert not any(name.startswith(("torch", "numpy", "SimpleITK", "pydicom")) for name in names)
    assert {"numpy==2.0.2", "SimpleITK==2.4.0", "pydicom==3.0.1", "torch==2.6.0"} <= set(constraints.split("\n"))
    assert pytorch_extension == [str(install.TORCH.specifier)]


def test_without_consent_nothing_is_installed(
    host: Any, widget: Any, exam_nodes: dict[str, Any], answers: list[Any], pip: list[tuple[list[str], str]]
) -> None:
    answers[0] = False
    for phase, node in exam_nodes.items():
        getattr(widget.ui, f"{phase}Selector").setCurrentNode(node)
    host.click(widget.ui.applyButton)
    assert "not installed" in widget.ui.errorLabel.text
    assert not widget.panel.run.running
    assert pip == []


def test_a_failed_installation_of_pytorch_is_told_in_plain_words(
    host: Any, ready: Any, answers: list[Any], pip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Logic:
        def installTorch(self, torchVersionRequirement: str) -> object:  # noqa: N802, N803
            raise subprocess.CalledProcessError(1, "light_the_torch")

    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=Logic))
    host.click(ready.ui.applyButton)
    said = ready.ui.errorLabel.text
    assert said.startswith("The installation of PyTorch failed. Check the network connection")
    assert "unexpected" not in said
    assert pip == []


def test_a_newer_version_that_another_extension_installed_stays(install: Any, bare_python: dict[str, str]) -> None:
    bare_python.update(monai="99.0", torch="99.0")
    assert install.missing([install.TORCH]) == []
    assert "monai" not in {one.name for one in install.missing(install.requirements())}


@pytest.mark.parametrize(("machine", "refused"), [("x86_64", True), ("arm64", False)])
def test_a_mac_with_slicers_python_for_intel_is_refused_before_anything_is_asked(
    host: Any,
    install: Any,
    ready: Any,
    answers: list[Any],
    pip: Any,
    pytorch_extension: list[str],
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    refused: bool,
) -> None:
    answers[0] = False
    monkeypatch.setattr(install.sys, "platform", "darwin")
    monkeypatch.setattr(install.platform, "machine", lambda: machine)
    host.click(ready.ui.applyButton)
    assert ("Intel Macs" in ready.ui.errorLabel.text) == refused
    assert (len(answers) == 1) == refused
    assert pip == pytorch_extension == []


def test_a_mac_that_has_pytorch_already_is_not_refused(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.sys, "platform", "darwin")
    monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
    assert install.refusal(torch_missing=False) is None


def test_a_slicer_before_5_12_is_refused(
    host: Any, ready: Any, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    host.click(ready.ui.applyButton)
    assert ready.ui.errorLabel.text == "NephroSynth needs Slicer 5.12 or later. Install a newer Slicer."
    assert len(answers) == 1


def test_nothing_else_begins_while_packages_are_installed(
    install: Any,
    widget: Any,
    exam_nodes: dict[str, Any],
    answers: list[Any],
    pip: list[tuple[list[str], str]],
    pytorch_extension: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from slicer import packaging

    ui = widget.ui
    for phase, node in exam_nodes.items():
        getattr(ui, f"{phase}Selector").setCurrentNode(node)
    seen: list[str] = []

    def with_events(*arguments: Any, **options: Any) -> None:
        widget.panel.run.update()  # as anything does that happens in the scene meanwhile
        buttons = (ui.applyButton, ui.findPhasesButton, ui.loadSampleButton, ui.exportButton)
        assert not any(button.enabled for button in buttons)
        with pytest.raises(Exception, match="being installed already"):
            install.ensure_dependencies(ui)
        assert not ui.applyButton.enabled
        seen.append(ui.statusLabel.text)
        pip_install(*arguments, **options)

    pip_install = packaging.pip_install
    monkeypatch.setattr(packaging, "pip_install", with_events)
    install.ensure_dependencies(ui)
    assert seen == ["Installing packages…"]
    assert len(answers) == 2
    assert ui.applyButton.enabled
    assert ui.statusLabel.text == "Ready."
    bare = [name for names, _ in pip for name in names]
    assert len(bare) == len(set(bare))


@pytest.mark.parametrize("enabled", [True, False])
def test_an_installation_restores_the_controls(
    install: Any, widget: Any, answers: list[Any], pip: Any, pytorch_extension: list[str], enabled: bool
) -> None:
    section = widget.ui.exportSection
    section.enabled = enabled
    try:
        install.ensure_dependencies(widget.ui)
        assert section.enabled == enabled
        assert widget.ui.inputsSection.enabled
    finally:
        section.enabled = True


def test_a_panel_that_fails_does_not_count_as_an_installation(install: Any, bare_python: dict[str, str]) -> None:
    with pytest.raises(AttributeError):
        install.ensure_dependencies(SimpleNamespace())
    assert not install.in_progress()


def close_the_scene(ui: Any) -> None:
    """Closes the scene, as a user may while packages are installed."""
    import slicer

    slicer.mrmlScene.Clear(0)


def test_an_export_of_a_scene_that_is_closed_during_the_installation_does_not_begin(
    host: Any,
    install: Any,
    ready: Any,
    result_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_played(host, ready, result_folder)
    wait_for_end(host, ready)
    ready.ui.exportFolderEdit.currentPath = str(tmp_path / "out")
    monkeypatch.setattr(install, "ensure_dependencies", close_the_scene)
    ready.panel.export.export()
    assert not ready.panel.export.running
    assert not (tmp_path / "out").exists()


def test_a_sample_exam_that_is_ended_during_the_installation_does_not_begin(
    host: Any, install: Any, widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from NephroSynthLib.session.sample_exam import SampleExam

    monkeypatch.setattr(widget.panel.inputs, "sample", SampleExam(tmp_path))
    monkeypatch.setattr(install, "ensure_dependencies", close_the_scene)
    widget.panel.inputs.load_sample()
    assert not widget.panel.inputs.busy
    assert not widget.ui.errorWidget.visible, widget.ui.errorLabel.text
    assert widget.ui.loadSampleButton.enabled


def test_a_missing_pytorch_extension_is_named(install: Any, widget: Any, answers: list[Any], pip: Any) -> None:
    with pytest.raises(Exception, match="PyTorch extension is not installed"):
        install.ensure_dependencies(widget.ui)


def test_a_failed_installation_is_reported(
    install: Any,
    widget: Any,
    answers: list[Any],
    pip: Any,
    pytorch_extension: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr("slicer.packaging.pip_install", fail)
    with pytest.raises(Exception, match="network connection"):
        install.ensure_dependencies(widget.ui)


def test_a_restart_is_advised_for_packages_in_use_alone(install: Any) -> None:
    before = {"numpy": "1.0", "SimpleITK": "2.0", "monai": "1.0"}
    assert "numpy" in install.replaced_while_loaded(before, {**before, "numpy": "2.0"})
    assert install.replaced_while_loaded(before, before) == []
    assert install.replaced_while_loaded({"never-imported": "1"}, {"never-imported": "2"}) == []


def test_after_a_package_in_use_was_replaced_nothing_begins_before_a_restart(
    host: Any,
    install: Any,
    ready: Any,
    bare_python: dict[str, str],
    answers: list[Any],
    pip: Any,
    pytorch_extension: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import slicer

    bare_python["psutil"] = "5.0"
    asked: list[str] = []
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text, **options: asked.append(text))
    monkeypatch.setattr(install, "_versions", lambda: dict(bare_python))
    monkeypatch.setattr(install, "_replaced", [])
    for _ in range(2):
        host.click(ready.ui.applyButton)
        assert not ready.panel.run.running
        assert ready.ui.errorLabel.text == "Packages that Slicer had in use were replaced: psutil. Restart Slicer."
    assert len(asked) == 1
    assert install.missing(install.requirements()) == []


def test_a_restart_is_needed_after_an_installation_that_failed_half_way(
    install: Any,
    widget: Any,
    bare_python: dict[str, str],
    answers: list[Any],
    pytorch_extension: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from slicer import packaging

    def fail(*arguments: Any, **options: Any) -> None:
        bare_python["psutil"] = "7.0"
        raise RuntimeError("the network is gone")

    bare_python["psutil"] = "5.0"
    monkeypatch.setattr(packaging, "pip_install", fail)
    monkeypatch.setattr(install, "_versions", lambda: dict(bare_python))
    monkeypatch.setattr(install, "_replaced", [])
    with pytest.raises(Exception, match="failed"):
        install.ensure_dependencies(widget.ui)
    assert install._replaced == ["psutil"]
