"""Tests an exam in a scene of the real MRML: loading, comparisons, window, legend, profile, and its removal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from steps_at_once import finish

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.web.cells import ONE, PHASES, THREE_PLANES, Choice, cells_of

pytestmark = pytest.mark.system("slicer")


@pytest.fixture
def exam(result: Path) -> Iterator[Any]:
    """The exam of `result` with its non-contrast phase, in a scene as trame-slicer makes it."""
    import slicer

    from NephroSynthLib.web.exam_scene import ExamScene

    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    factory.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())
    scene, colours = slicer.vtkMRMLScene(), slicer.vtkMRMLColorLogic()
    colours.SetMRMLScene(scene)
    exam = ExamScene(scene)
    finish(exam.load(result, lambda: sitk.ReadImage(str(result / "exam/noncontrast.nii.gz"))))
    yield exam
    scene.Clear(True)
    colours.SetMRMLScene(None)


def shown(exam: Any, view: str) -> tuple[str, str, float]:
    """The names of the volumes of a view, and the opacity of the upper one."""
    node = exam.scene.GetSingletonNode(view, "vtkMRMLSliceCompositeNode")
    ids = node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()
    names = [exam.scene.GetNodeByID(one).GetName() if one else "" for one in ids]
    return names[0], names[1], node.GetForegroundOpacity()


def test_all_volumes_are_loaded_and_shown_in_linked_views_and_removed_again(exam: Any) -> None:
    assert {*PHASES, "uncertainty"} == exam.volumes.keys()
    exam.show(cells_of(Choice(), exam.volumes))
    assert shown(exam, "View1")[0] == PHASES["noncontrast"]
    assert all(
        exam.scene.GetSingletonNode(f"View{number}", "vtkMRMLSliceCompositeNode").GetLinkedControl()
        for number in range(1, 5)
    )
    exam.line(True)
    exam.clear()
    left = [exam.scene.GetNumberOfNodesByClass(f"vtkMRML{kind}Node") for kind in ("Volume", "Segmentation", "Markups")]
    assert left == [0, 0, 0]
    assert exam.volumes == {}


@pytest.mark.parametrize("kind", ["checkerboard", "difference"])
def test_a_comparison_is_made_once_for_a_pair(exam: Any, kind: str) -> None:
    finish(exam.compare(kind, ("synthetic", "acquired")))
    node = exam.volumes[kind]
    made = node.GetImageData()
    finish(exam.compare(kind, ("synthetic", "acquired")))
    assert node.GetImageData() is made
    finish(exam.compare(kind, ("synthetic", "excretory")))
    assert exam.volumes[kind] is node
    assert node.GetImageData() is not made
    exam.show(cells_of(Choice(THREE_PLANES, content=kind, second="acquired"), exam.volumes))
    assert node.GetName() in shown(exam, "ViewCoronal")[:2]


def test_colours_have_a_legend_and_grey_has_none(exam: Any) -> None:
    finish(exam.compare("difference", ("synthetic", "acquired")))
    names = ("difference", "uncertainty", "fade")
    cells = {name: cells_of(Choice(ONE, content=name), exam.volumes)["View1"] for name in names}
    difference, uncertainty = exam.legend(cells["difference"]), exam.legend(cells["uncertainty"])
    assert (difference.low, difference.high) == (-100, 100)
    assert difference.colours[0] == "rgb(5, 48, 97)"
    assert (uncertainty.low, uncertainty.high) == (0, 20)
    assert exam.legend(cells["fade"]) is None


def test_one_window_for_all_phases(exam: Any) -> None:
    exam.window(300, 20)
    shown = [exam.volumes[role].GetDisplayNode() for role in PHASES]
    assert {(one.GetWindow(), one.GetLevel()) for one in shown} == {(300, 20)}


def test_outlines_are_shown_without_a_fill(exam: Any) -> None:
    display = exam.kidneys.GetDisplayNode()
    assert (display.GetVisibility2D(), display.GetVisibility2DFill()) == (1, 0)
    exam.outlines(False)
    assert not display.GetVisibility2D()


def test_the_profile_runs_from_kidney_to_kidney(exam: Any) -> None:
    distance, curves = exam.profile()
    assert distance[-1] == pytest.approx(88.0, abs=2.5)  # 22 voxels of 4 mm
    for role, hu in (("noncontrast", 30), ("excretory", 90), ("synthetic", 160), ("acquired", 170)):
        assert curves[role][0] == pytest.approx(hu)
        assert curves[role][-1] == pytest.approx(hu)
        assert np.min(curves[role]) < 70


def test_the_views_are_centred_inside_a_kidney(exam: Any) -> None:
    assert exam.centre()[0] == pytest.approx(44, abs=3)  # RAS: the right kidney


def test_surfaces_are_made_once(exam: Any) -> None:
    exam.surfaces()
    first = exam.kidneys.GetClosedSurfaceInternalRepresentation(exam.kidneys.GetSegmentation().GetNthSegmentID(0))
    assert first.GetNumberOfPoints() > 0
    exam.surfaces()


def test_a_result_that_cannot_be_read_leaves_no_exam(exam: Any, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError):
        finish(exam.load(tmp_path, None))
    assert exam.volumes == {}
    assert exam.kidneys is None
