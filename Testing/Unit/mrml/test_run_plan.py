"""The plan of a run: its input files, and its nodes in the scene."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from steps_at_once import finish

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.run_nodes import RunNodes, run_nodes
from NephroSynthLib.mrml.run_order import Outputs, RunOrder
from NephroSynthLib.mrml.run_plan import run_plan
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode
LANDMARKS = ("landmarks", "excretory_landmarks")
WANTED = frozenset({"synthetic", "excretory", "kidneys", "transform", "uncertainty", "acquired"})


@pytest.fixture
def phases(scene: Scene, ct: sitk.Image) -> dict[str, Node]:
    return {name: node_from_image(scene, ct + add, name) for name, add in (("noncontrast", 0), ("excretory", 5))}


def order(phases: dict[str, Node], **given: Any) -> RunOrder:
    usual = {"nephrographic": None, "kidneys": None, "outputs": Outputs(), "wanted": WANTED, "settings": {"seed": 3}}
    return RunOrder(**{**phases, **usual, **given})


def load(plan_of: RunOrder, run_folder: Path, folder: Path) -> RunNodes:
    """Loads a result as the task does after the worker."""
    shutil.copytree(run_folder, folder / "result")
    nodes = finish(run_plan(plan_of).load(folder, {}))
    shutil.rmtree(folder / "result")
    return nodes


def test_the_worker_gets_landmarks_of_both_phases(scene: Scene, phases: dict[str, Node], tmp_path: Path) -> None:
    lists = {}
    for name in LANDMARKS:
        lists[name] = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        lists[name].AddControlPoint(1.0, 2.0, 3.0)
    arguments = finish(run_plan(order(phases, **lists)).write(tmp_path))
    for name in lists:
        assert "-1.0000,-2.0000,3.0000" in Path(arguments[name]).read_text()


def test_the_worker_gets_the_inputs_as_files(
    phases: dict[str, Node], segmentation: Node, ct: sitk.Image, kidneys: sitk.Image, tmp_path: Path
) -> None:
    plan = run_plan(order(phases, kidneys=segmentation))
    arguments = finish(plan.write(tmp_path))
    assert plan.command == "run"
    assert arguments == {
        "settings": {"seed": 3},
        "images": "nrrd",
        "out": str(tmp_path / "result"),
        **{name: str(tmp_path / f"{name}.nrrd") for name in ("noncontrast", "excretory", "kidneys")},
    }
    excretory, labels = (sitk.ReadImage(arguments[name]) for name in ("excretory", "kidneys"))
    np.testing.assert_allclose(sitk.GetArrayFromImage(excretory), sitk.GetArrayFromImage(ct) + 5, atol=1e-3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(kidneys))


def test_a_transform_that_bends_the_excretory_phase_is_the_start_of_the_registration(
    scene: Scene, phases: dict[str, Node], ct: sitk.Image, tmp_path: Path
) -> None:
    """The voxels are not interpolated; landmarks come in the coordinates of the voxels."""
    at_rest, moved = vtk.vtkPoints(), vtk.vtkPoints()
    for point in np.random.default_rng(1).uniform(-100, 100, (8, 3)):
        at_rest.InsertNextPoint(point)
        moved.InsertNextPoint(point + np.array([3.0, 0.0, 0.0]))
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    spline.SetSourceLandmarks(at_rest)
    spline.SetTargetLandmarks(moved)
    above = scene.AddNewNodeByClass("vtkMRMLTransformNode", "above")
    above.SetAndObserveTransformFromParent(spline)
    phases["excretory"].SetAndObserveTransformNodeID(above.GetID())
    lists = {name: scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name) for name in LANDMARKS}
    for node in lists.values():
        node.AddControlPoint(1.0, 2.0, 3.0)
    arguments = finish(run_plan(order(phases, **lists)).write(tmp_path))
    excretory = sitk.ReadImage(arguments["excretory"])
    np.testing.assert_allclose(sitk.GetArrayFromImage(excretory), sitk.GetArrayFromImage(ct) + 5, atol=1e-3)
    initial, middle = sitk.ReadTransform(arguments["initial_transform"]), ct.TransformIndexToPhysicalPoint((9, 9, 9))
    assert initial.TransformPoint(middle) == pytest.approx((middle[0] - 3.0, *middle[1:]), abs=0.01)
    assert "-1.0000,-2.0000,3.0000" in Path(arguments["landmarks"]).read_text()
    assert "-4.0000,-2.0000,3.0000" in Path(arguments["excretory_landmarks"]).read_text()


def test_the_steps_of_writing_go_from_0_to_1(phases: dict[str, Node], tmp_path: Path) -> None:
    fractions = [step.fraction for step in run_plan(order(phases)).write(tmp_path)]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


def test_a_result_is_a_run_with_all_its_nodes(phases: dict[str, Node], run_folder: Path, tmp_path: Path) -> None:
    (run_folder / "report.html").write_text("<html>", encoding="utf-8")
    run = load(order(phases), run_folder, tmp_path)
    assert run_nodes(run.synthetic) == run
    assert (run.noncontrast, run.excretory) == (phases["noncontrast"], phases["excretory"])
    assert None not in (run.registered, run.kidneys, run.transform, run.uncertainty)
    assert run.acquired is None
    assert run.report.GetText() == "<html>"
    assert run.summary["settings"] == {"seed": 3}


def test_a_second_run_updates_the_nodes_and_drops_what_was_computed_from_them(
    scene: Scene, phases: dict[str, Node], run_folder: Path, tmp_path: Path
) -> None:
    (run_folder / "report.html").write_text("<html>", encoding="utf-8")
    first = load(order(phases), run_folder, tmp_path)
    first.add("checkerboard", node_from_image(scene, sitk.Image(2, 2, 2, sitk.sitkInt16), "board"))
    report = first.report
    (run_folder / "report.html").write_text("<html>again", encoding="utf-8")
    outputs = Outputs(synthetic=first.synthetic, excretory=first.registered)
    second = load(order(phases, outputs=outputs), run_folder, tmp_path)
    assert second == first
    assert second.checkerboard is None
    assert second.report is report
    assert report.GetText() == "<html>again"


def test_unwanted_results_are_not_loaded_but_the_synthetic_volume_always_is(
    phases: dict[str, Node], run_folder: Path, tmp_path: Path
) -> None:
    run = load(order(phases, wanted=frozenset()), run_folder, tmp_path)
    assert run.synthetic.GetImageData() is not None
    assert (run.registered, run.kidneys, run.transform, run.uncertainty) == (None, None, None, None)


def test_an_input_that_was_removed_during_the_run_leaves_the_scene_as_it_was(
    scene: Scene, phases: dict[str, Node], run_folder: Path, tmp_path: Path
) -> None:
    scene.RemoveNode(phases["noncontrast"])
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(UsageError, match="removed during the run"):
        load(order(phases), run_folder, tmp_path)
    assert scene.GetNumberOfNodes() == nodes


def test_another_input_or_an_output_that_was_removed_is_not_missed(
    scene: Scene, phases: dict[str, Node], run_folder: Path, tmp_path: Path
) -> None:
    output = node_from_image(scene, sitk.Image(2, 2, 2, sitk.sitkInt16), "output")
    for node in (phases["excretory"], output):
        scene.RemoveNode(node)
    run = load(order(phases, outputs=Outputs(synthetic=output)), run_folder, tmp_path)
    assert run.excretory is None
    assert run.synthetic is not output
    assert run.synthetic.GetScene() is scene
