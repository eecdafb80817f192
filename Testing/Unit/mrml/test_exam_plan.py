"""The plan that loads an exam of a batch, on the real MRML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.mrml.exam_plan import exam_plan

Scene = slicer.vtkMRMLScene


@pytest.fixture
def phases(tmp_path: Path, ct: sitk.Image) -> dict[str, str]:
    """The files of the phases, as the worker writes them."""
    found = {}
    for phase in ("noncontrast", "excretory"):
        found[phase] = str(tmp_path / f"{phase}.nrrd")
        sitk.WriteImage(ct, found[phase])
    return found


@pytest.fixture
def result(tmp_path: Path, synthetic: sitk.Image, kidneys: sitk.Image, summary: dict[str, Any]) -> Path:
    """The folder of a result as `cohort run` writes it."""
    folder = tmp_path / "result"
    folder.mkdir()
    for name in ("synthetic_nephrographic", "excretory_registered"):
        sitk.WriteImage(synthetic, str(folder / f"{name}.nii.gz"))
    sitk.WriteImage(kidneys, str(folder / "kidneys.nii.gz"))
    sitk.WriteTransform(sitk.TranslationTransform(3), str(folder / "excretory_to_noncontrast.h5"))
    (folder / "result.json").write_text(json.dumps(summary), encoding="utf-8")
    return folder


def test_phases_and_result_of_an_exam_are_connected(
    scene: Scene, phases: dict[str, str], result: Path, tmp_path: Path
) -> None:
    plan = exam_plan(scene, {"manifest": "m.csv"}, "exam-1", result)
    assert finish(plan.write(tmp_path)) == {"manifest": "m.csv", "exam": "exam-1", "folder": str(tmp_path / "phases")}
    run = finish(plan.load(tmp_path, {"phases": phases}))
    assert (run.noncontrast.GetName(), run.excretory.GetName()) == ("exam-1 NC", "exam-1 EP")
    assert run.synthetic.GetName() == "Synthetic NP"
    assert run.kidneys is not None
    assert run.summary["registration"]


def test_a_damaged_result_leaves_the_scene_as_it_was(
    scene: Scene, phases: dict[str, str], result: Path, tmp_path: Path
) -> None:
    (result / "kidneys.nii.gz").unlink()
    plan = exam_plan(scene, {}, "exam-1", result)
    with pytest.raises(UnreadableInputError, match="kidneys"):
        finish(plan.load(tmp_path, {"phases": phases}))
    assert scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
