"""A kidney that is moved by hand moves as its handles do, and nothing else does."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from NephroSynthLib.errors import UsageError
from NephroSynthLib.files.outputs import TRANSFORM
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.mrml.kidney_nudge import KidneyNudge
from NephroSynthLib.mrml.transform_nodes import map_writer, transforms_above
from NephroSynthLib.mrml.volume_nodes import node_from_image
from NephroSynthLib.progress import Progress

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


def _box(x: float) -> list[tuple[float, float, float]]:
    sides, ends = (-25.0, 0.0, 25.0), (-55.0, -27.5, 0.0, 27.5, 55.0)
    return [(x + i, -180 + j, 150 + k) for i, j, k in product(sides, sides, ends)]


KIDNEYS = {"right": _box(-110.0), "left": _box(-250.0)}


@pytest.fixture
def phases(scene: Scene) -> list[Node]:
    image = sitk.Image(36, 36, 30, sitk.sitkInt16)
    image.SetSpacing((10.0,) * 3)
    return [node_from_image(scene, image, name) for name in ("excretory", "noncontrast")]


def _motion() -> vtk.vtkMatrix4x4:
    """Turns the right kidney by 8 degrees about its middle, and moves it."""
    motion = vtk.vtkTransform()
    motion.Translate(5.0, -8.0, 12.0)
    motion.Translate(-110.0, -180.0, 150.0)
    motion.RotateZ(8.0)
    motion.Translate(110.0, 180.0, -150.0)
    return motion.GetMatrix()


def test_one_kidney_moves_as_its_handles_and_the_rest_stays(scene: Scene, phases: list[Node]) -> None:
    nudge = KidneyNudge(scene, *phases, KIDNEYS)
    handle = nudge.handle("right")
    assert handle.GetCenterOfTransformation() == pytest.approx((-110.0, -180.0, 150.0))
    handle.SetMatrixTransformToParent(_motion())
    nudge.update()
    back = vtk.vtkMatrix4x4()
    handle.GetMatrixTransformFromParent(back)
    blend = nudge.blend.GetTransformFromParent()
    rng = np.random.default_rng(1)
    for offset in rng.uniform((-20, -20, -50), (20, 20, 50), (20, 3)):
        right, left = np.array([-110.0, -180, 150]) + offset, np.array([-250.0, -180, 150]) + offset
        assert np.linalg.norm(np.subtract(blend.TransformPoint(right), back.MultiplyPoint((*right, 1.0))[:3])) < 1.5
        assert np.linalg.norm(blend.TransformPoint(left) - left) < 0.5
    assert np.linalg.norm(np.subtract(blend.TransformPoint((-350.0, 0.0, 0.0)), (-350.0, 0.0, 0.0))) < 0.01


def test_both_kidneys_share_one_transform_above_that_of_the_phase(scene: Scene, phases: list[Node]) -> None:
    start = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "start")
    phases[0].SetAndObserveTransformNodeID(start.GetID())
    first = KidneyNudge(scene, *phases, KIDNEYS)
    handles = {side: first.handle(side) for side in KIDNEYS}
    again = KidneyNudge(scene, *phases, KIDNEYS)
    assert transforms_above(phases[0]) == [start, first.blend]
    assert again.blend is first.blend
    assert {side: again.handle(side) for side in KIDNEYS} == handles


def test_a_whole_run_starts_where_a_kidney_was_placed_by_hand(
    scene: Scene, urography: dict[str, sitk.Image], small_model: Path, tmp_path: Path
) -> None:
    """Without a registration, the start is the transform of the result: one kidney moved by 12 mm, the other stayed."""
    names = ("noncontrast", "excretory", "kidneys")
    files = {name: tmp_path / f"{name}.nrrd" for name in names}
    for name in names:
        save_image(urography[name], files[name])
    noncontrast, excretory = (node_from_image(scene, urography[name], name) for name in names[:2])
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(sitk.Cast(urography["kidneys"], sitk.sitkUInt8))
    middles = {side: np.array(shapes.GetCentroid(label)) for side, label in SIDES.items()}
    kidneys = {side: [tuple(np.array(p) * (-1, -1, 1)) for p in _around(middle)] for side, middle in middles.items()}
    nudge = KidneyNudge(scene, excretory, noncontrast, kidneys)
    motion = vtk.vtkMatrix4x4()
    motion.SetElement(2, 3, 12.0)
    nudge.handle("right").SetMatrixTransformToParent(motion)
    nudge.update()
    map_writer(excretory, noncontrast, tmp_path / "initial.h5")()
    settings = {
        "device": "cpu",
        "registration": {"mode": "none"},
        "segmentation": {"steps": 1},
        "synthesis": {"model": str(small_model)},
    }
    out = tmp_path / "result"
    summary = execute(
        "run",
        {**files, "initial_transform": tmp_path / "initial.h5", "out": out, "settings": settings},
        Progress(),
    )
    assert "The registration started from an initial transform; the right kidney started" in " ".join(summary["notes"])
    found = sitk.ReadTransform(str(out / TRANSFORM))
    moved = {side: np.subtract(found.TransformPoint(middle.tolist()), middle) for side, middle in middles.items()}
    assert moved["right"] == pytest.approx((0.0, 0.0, -12.0), abs=1.5)
    assert moved["left"] == pytest.approx((0.0, 0.0, 0.0), abs=1.0)


def _around(middle: np.ndarray) -> list[np.ndarray]:
    sides, ends = (-25.0, 0.0, 25.0), (-55.0, 0.0, 55.0)
    return [middle + offset for offset in product(sides, sides, ends)]


def test_phases_under_one_transform_are_refused(scene: Scene, phases: list[Node]) -> None:
    both = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "both")
    for phase in phases:
        phase.SetAndObserveTransformNodeID(both.GetID())
    with pytest.raises(UsageError, match="together"):
        KidneyNudge(scene, *phases, KIDNEYS)


def test_the_blend_is_written_as_an_itk_transform(scene: Scene, phases: list[Node], tmp_path: Path) -> None:
    nudge = KidneyNudge(scene, *phases, KIDNEYS)
    nudge.handle("right").SetMatrixTransformToParent(_motion())
    nudge.update()
    map_writer(*phases, tmp_path / "initial.h5")()
    written = sitk.ReadTransform(str(tmp_path / "initial.h5"))
    blend = nudge.blend.GetTransformFromParent()
    for point in np.random.default_rng(2).uniform((-350, -350, 0), (0, 0, 290), (50, 3)):
        x, y, z = blend.TransformPoint(point)
        found = written.TransformPoint((-point[0], -point[1], point[2]))
        assert np.linalg.norm(np.subtract(found, (-x, -y, z))) < 0.4
