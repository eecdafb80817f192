"""Transform files as nodes, and the transforms above a node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.mrml.transform_nodes import (
    FieldView,
    movable_transform,
    place_handles,
    show_field,
    show_handles,
    transform_from_file,
    transforms_above,
)
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture(scope="module")
def transform() -> sitk.Transform:
    """An affine map and a smooth field, as the pipeline writes them."""
    affine = sitk.AffineTransform(3)
    affine.Rotate(0, 1, 0.05)
    affine.Translate((4.0, -3.0, 12.0))
    like = sitk.Image(24, 24, 24, sitk.sitkUInt8)
    like.SetSpacing((8.0, 8.0, 8.0))
    like.SetOrigin((-92.0, -92.0, -92.0))
    z, y, x = np.mgrid[:24, :24, :24] / 23 * np.pi
    field = np.stack([5 * np.sin(x) * np.sin(y), 3 * np.sin(y) * np.sin(z), -6 * np.sin(z) * np.sin(x)], axis=-1)
    image = sitk.GetImageFromArray(field, isVector=True)
    image.CopyInformation(like)
    return sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(image)])


@pytest.fixture
def path(transform: sitk.Transform, tmp_path: Path) -> Path:
    sitk.WriteTransform(transform, str(tmp_path / "excretory_to_noncontrast.h5"))
    return tmp_path / "excretory_to_noncontrast.h5"


POINTS = np.random.default_rng(1).uniform(-70, 70, (30, 3))


def _ras(point: np.ndarray) -> list[float]:
    return [-point[0], -point[1], point[2]]


def test_the_node_carries_points_as_simpleitk_does(scene: Scene, transform: sitk.Transform, path: Path) -> None:
    node = transform_from_file(scene, path, "excretory to non-contrast")
    for point in POINTS:
        mapped = np.array(_ras(node.GetTransformFromParent().TransformPoint(_ras(point))))
        # Slicer interpolates a displacement field cubically, ITK linearly: at 8 mm they differ by hundredths of a mm.
        assert np.linalg.norm(mapped - transform.TransformPoint(point.tolist())) < 0.1
        back = np.array(_ras(node.GetTransformToParent().TransformPoint(_ras(mapped))))
        assert np.linalg.norm(back - point) < 0.01


def test_the_excretory_phase_under_the_node_lies_on_the_noncontrast_one(
    scene: Scene, transform: sitk.Transform, path: Path
) -> None:
    centre = (11.0, -14.0, 9.0)
    noncontrast = sitk.GaussianSource(
        sitk.sitkFloat32, (60, 60, 60), sigma=(12.0,) * 3, mean=[c + 60 for c in centre], spacing=(2.0,) * 3
    )
    noncontrast.SetOrigin((-60.0,) * 3)
    inverse = sitk.TransformToDisplacementField(transform, sitk.sitkVectorFloat64, (60,) * 3, (-60.0,) * 3, (2.0,) * 3)
    to_noncontrast = sitk.DisplacementFieldTransform(sitk.InvertDisplacementField(inverse, 50))
    excretory = sitk.Resample(noncontrast, noncontrast, to_noncontrast)
    node = node_from_image(scene, excretory, "excretory")
    shifted = _brightest(excretory)
    node.SetAndObserveTransformNodeID(transform_from_file(scene, path, "t").GetID())
    assert np.linalg.norm(_brightest(image_from_node(node)) - centre) < 2.0
    assert np.linalg.norm(shifted - centre) > 8.0


def _brightest(image: sitk.Image) -> np.ndarray:
    z, y, x = np.unravel_index(int(np.argmax(sitk.GetArrayViewFromImage(image))), image.GetSize()[::-1])
    return np.array(image.TransformIndexToPhysicalPoint((int(x), int(y), int(z))))


def test_an_update_keeps_the_node_and_what_is_under_it(scene: Scene, path: Path) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", "old")
    volume = node_from_image(scene, sitk.Image(4, 4, 4, sitk.sitkInt16), "CT")
    volume.SetAndObserveTransformNodeID(node.GetID())
    assert transform_from_file(scene, path, "new", node) is node
    assert volume.GetParentTransformNode() is node
    assert node.GetName() == "new"
    assert not node.IsTransformToWorldLinear()


@pytest.mark.parametrize("content", [None, b"", b"no transform at all"])
def test_a_file_that_is_no_transform_is_refused(scene: Scene, tmp_path: Path, content: bytes | None) -> None:
    broken = tmp_path / "broken.h5"
    if content is not None:
        broken.write_bytes(content)
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(UnreadableInputError, match=r"broken\.h5"):
        transform_from_file(scene, broken, "t")
    assert scene.GetNumberOfNodes() == nodes


def test_all_transforms_above_a_node_are_found(scene: Scene, path: Path) -> None:
    volume = node_from_image(scene, sitk.Image(4, 4, 4, sitk.sitkInt16), "CT")
    assert transforms_above(volume) == []
    near, far = (scene.AddNewNodeByClass("vtkMRMLTransformNode", name) for name in ("near", "far"))
    volume.SetAndObserveTransformNodeID(near.GetID())
    near.SetAndObserveTransformNodeID(far.GetID())
    assert transforms_above(volume) == [near, far]


def test_a_volume_starts_where_it_lies_under_a_transform_with_handles_in_its_centre(scene: Scene) -> None:
    image = sitk.Image(10, 10, 10, sitk.sitkInt16)
    volume = node_from_image(scene, image, "excretory")
    above = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "above")
    volume.SetAndObserveTransformNodeID(above.GetID())
    transform = movable_transform(scene, volume, "start")
    assert transforms_above(volume) == [transform, above]
    assert image_from_node(volume).GetOrigin() == image.GetOrigin()
    for node in (above, transform):
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, 10.0)
        node.SetMatrixTransformToParent(matrix)
    place_handles(volume)
    assert transform.GetCenterOfTransformation() == pytest.approx((-4.5, -4.5, 4.5))  # before both transforms
    show_handles(transform, True)
    assert transform.GetDisplayNode().GetEditorVisibility()
    show_handles(transform, False)
    assert not transform.GetDisplayNode().GetEditorVisibility()


def test_the_displacements_are_shown_as_a_grid_or_as_arrows_by_slicers_own_display(scene: Scene) -> None:
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "t")
    show_field(transform, FieldView.HIDDEN)
    assert transform.GetDisplayNode() is None
    show_field(transform, FieldView.GRID)
    display = transform.GetDisplayNode()
    assert (display.GetVisibility(), display.GetVisibility2D()) == (1, 1)
    assert display.GetVisualizationMode() == display.VIS_MODE_GRID
    assert display.GetGridSpacingMm() == 10.0
    show_field(transform, FieldView.VECTORS)
    assert display.GetVisualizationMode() == display.VIS_MODE_GLYPH
    assert display.GetGlyphScalePercent() == 100.0
    show_field(transform, FieldView.HIDDEN)
    assert (display.GetVisibility(), display.GetVisibility2D()) == (0, 0)
