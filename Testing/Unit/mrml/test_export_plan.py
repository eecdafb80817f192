"""The plan of an export: the files for the worker, and the names of what was exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.mrml import export_plan as module
from NephroSynthLib.mrml.export_plan import export_plan
from NephroSynthLib.mrml.provenance import set_provenance
from NephroSynthLib.mrml.run_nodes import ROLE, SYNTHETIC, RunNodes
from NephroSynthLib.session.export_choice import DicomSource, ExportChoice
from NephroSynthLib.session.task import Plan

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


class Export:
    """An export of a run into a folder that is not there yet."""

    def __init__(self, run: RunNodes, out: Path) -> None:
        self.run, self.out = run, out
        self.warnings: list[str] = []
        self.log: list[str] = []

    def plan(self, *formats: str, **options: Any) -> Plan[list[str]]:
        choice = ExportChoice(str(self.out.parent), frozenset(formats), **options)
        return export_plan(self.run, choice, self.out, self.warnings.append, self.log.append)


@pytest.fixture
def export(
    scene: Scene, pair: tuple[Node, Node], segmentation: Node, summary: dict[str, Any], tmp_path: Path
) -> Export:
    run = RunNodes(pair[0])
    pair[0].SetAttribute(ROLE, SYNTHETIC)
    set_provenance(pair[0], summary)
    run.remember("registered", pair[1])
    run.remember("kidneys", segmentation)
    report = scene.AddNewNodeByClass("vtkMRMLTextNode", "report")
    report.SetText("<html>")
    run.remember("report", report)
    return Export(run, tmp_path / "out")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    return made


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_volumes_kidneys_and_summary_are_written_for_the_worker(
    export: Export, folder: Path, synthetic: sitk.Image, summary: dict[str, Any]
) -> None:
    plan = export.plan("nifti", "report")
    arguments = finish(plan.write(folder))
    assert plan.command == "export-result"
    assert arguments["source"] == str(folder)
    assert arguments["out"] == str(export.out)
    assert files(folder) == {
        "synthetic_nephrographic.nrrd",
        "excretory_registered.nrrd",
        "kidneys.nrrd",
        "result.json",
        "ready/report.html",
    }
    written = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "synthetic_nephrographic.nrrd")))
    np.testing.assert_allclose(written, sitk.GetArrayFromImage(synthetic), atol=1e-3)
    assert json.loads((folder / "result.json").read_text()) == summary


def test_a_report_alone_needs_no_volumes(export: Export, folder: Path) -> None:
    finish(export.plan("report").write(folder))
    assert files(folder) == {"ready/report.html"}


def test_the_scene_is_saved_under_the_name_of_the_export(
    export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_save_scene", lambda path: path.touch())
    finish(export.plan("scene").write(folder))
    assert files(folder) == {"ready/out.mrb"}


def test_the_result_is_the_names_of_what_is_there(export: Export, folder: Path) -> None:
    plan = export.plan("nrrd", "dicom", noncontrast=DicomSource("in"))
    assert not plan.survives()
    (export.out / "dicom").mkdir(parents=True)
    (export.out / "b.nrrd").touch()
    assert plan.survives()
    assert finish(plan.load(folder, {})) == ["b.nrrd", "dicom"]
    assert export.warnings == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_database_that_does_not_take_the_files_is_a_warning(
    export: Export, folder: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def add(added: Path) -> list[str]:
        assert added == export.out / "dicom"
        if fails:
            raise RuntimeError("database is locked")
        return ["It is closed."]

    monkeypatch.setattr(module, "add_to_database", add)
    (export.out / "dicom").mkdir(parents=True)
    plan = export.plan("dicom", noncontrast=DicomSource("in"), add_to_database=True)
    assert finish(plan.load(folder, {})) == ["dicom"]
    assert len(export.warnings) == 1
    assert ("database is locked" in "".join(export.log)) is fails
