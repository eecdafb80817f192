"""Volume nodes keep an image's geometry, values and transforms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from NephroSynthLib.errors import GeometryError, ImageContentError, UnreadableInputError
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image, node_writer, read_into

ORDERS = list(permutations(range(3)))
FLIPS = list(product((1, -1), repeat=3))


def _rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(*np.radians(degrees))
    return np.reshape(turn.GetMatrix(), (3, 3))


def _directions() -> Iterator[np.ndarray]:
    for order in ORDERS:
        for flips in FLIPS:
            yield np.eye(3)[list(order)] * flips
    rng = np.random.default_rng(7)
    for _ in range(10):
        yield _rotation(tuple(rng.uniform(-180, 180, 3)))


def _image(direction: np.ndarray, pixel: type = np.float32) -> sitk.Image:
    rng = np.random.default_rng(3)
    image = sitk.GetImageFromArray((rng.normal(40, 200, (7, 6, 5))).astype(pixel))
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((0.7123, 1.4, 4.9))
    image.SetOrigin((-171.3, 88.25, -912.5))
    return image


def _furthest(one: sitk.Image, other: sitk.Image) -> float:
    """The largest distance in mm between corners of the same index."""
    corners = product(*((0, size - 1) for size in one.GetSize()))
    points = [
        (one.TransformIndexToPhysicalPoint(corner), other.TransformIndexToPhysicalPoint(corner)) for corner in corners
    ]
    return max(float(np.linalg.norm(np.subtract(*pair))) for pair in points)


@pytest.mark.parametrize("direction", list(_directions()))
def test_an_image_lies_where_it_lay_after_going_through_a_node_and_a_file(
    scene: slicer.vtkMRMLScene, tmp_path: Path, direction: np.ndarray
) -> None:
    image = _image(direction)
    node = node_from_image(scene, image, "CT")
    node_writer(node, tmp_path / "ct.nrrd")()
    again = image_from_node(read_into(scene, tmp_path / "ct.nrrd", "again"))
    for back in (image_from_node(node), again):
        assert _furthest(image, back) < 1e-6
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(back))


@pytest.mark.parametrize("direction", [np.eye(3), _rotation((10, -20, 35))])
def test_a_node_places_a_voxel_in_ras_where_slicer_s_own_reader_does(
    scene: slicer.vtkMRMLScene, tmp_path: Path, direction: np.ndarray
) -> None:
    node = node_from_image(scene, _image(direction), "ours")
    node_writer(node, tmp_path / "ct.nrrd")()
    theirs = slicer.vtkMRMLScalarVolumeNode()
    scene.AddNode(theirs)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "ct.nrrd"))
    assert storage.ReadData(theirs)
    ours_matrix, theirs_matrix = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ours_matrix)
    theirs.GetIJKToRASMatrix(theirs_matrix)
    for index in product((0, 4), (0, 5), (0, 6)):
        ours, other = (matrix.MultiplyPoint((*index, 1))[:3] for matrix in (ours_matrix, theirs_matrix))
        assert np.linalg.norm(np.subtract(ours, other)) < 1e-3
        assert node.GetImageData().GetScalarComponentAsDouble(
            *index, 0
        ) == theirs.GetImageData().GetScalarComponentAsDouble(*index, 0)


@pytest.mark.parametrize("pixel", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_values_stay_as_they_are(scene: slicer.vtkMRMLScene, pixel: type) -> None:
    image = _image(np.eye(3), pixel)
    back = image_from_node(node_from_image(scene, image, "CT"))
    assert back.GetPixelID() == image.GetPixelID()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(back))


def test_whole_hu_are_kept_as_16_bit_integers(scene: slicer.vtkMRMLScene) -> None:
    image = sitk.Cast(sitk.Round(_image(np.eye(3))), sitk.sitkFloat32)
    node = node_from_image(scene, image, "CT")
    assert node.GetImageData().GetScalarType() == vtk.VTK_SHORT
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(image_from_node(node)))


def test_a_cropped_image_data_whose_indices_do_not_begin_at_0_lies_at_its_place(scene: slicer.vtkMRMLScene) -> None:
    image = _image(_rotation((5, 6, 7)))
    node = node_from_image(scene, image, "CT")
    crop = vtk.vtkExtractVOI()
    crop.SetInputData(node.GetImageData())
    crop.SetVOI(1, 4, 2, 5, 3, 6)
    crop.Update()
    node.SetAndObserveImageData(crop.GetOutput())
    back, expected = image_from_node(node), image[1:5, 2:6, 3:7]
    assert _furthest(expected, back) < 1e-6
    np.testing.assert_array_equal(sitk.GetArrayFromImage(expected), sitk.GetArrayFromImage(back))


def _transformed(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLVolumeNode, matrix: np.ndarray) -> None:
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    values = vtk.vtkMatrix4x4()
    values.DeepCopy(matrix.ravel().tolist())
    transform.SetMatrixTransformToParent(values)
    node.SetAndObserveTransformNodeID(transform.GetID())


def test_a_rigid_parent_moves_the_grid_and_not_the_voxels(scene: slicer.vtkMRMLScene) -> None:
    image = _image(_rotation((10, 20, 30)))
    node = node_from_image(scene, image, "CT")
    ras = np.eye(4)
    ras[:3, :3], ras[:3, 3] = _rotation((-40, 12, 3)), (10.0, -20.0, 30.0)
    _transformed(scene, node, ras)
    moved = image_from_node(node)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(moved))
    lps = np.diag([-1.0, -1, 1, 1]) @ ras @ np.diag([-1.0, -1, 1, 1])
    for index in product((0, 4), (0, 5), (0, 6)):
        expected = (lps @ [*image.TransformIndexToPhysicalPoint(index), 1])[:3]
        assert np.linalg.norm(expected - moved.TransformIndexToPhysicalPoint(index)) < 1e-6
    node.HardenTransform()
    assert _furthest(image_from_node(node), moved) < 1e-6


def _smooth_volume() -> sitk.Image:
    """Values that are linear in LPS, so that linear interpolation is exact."""
    image = sitk.Image(30, 32, 28, sitk.sitkFloat32)
    image.SetSpacing((2.0, 1.5, 2.5))
    image.SetOrigin((-30.0, -20.0, 10.0))
    grid = sitk.PhysicalPointSource(sitk.sitkVectorFloat64, image.GetSize(), image.GetOrigin(), image.GetSpacing())
    x, y, z = (sitk.VectorIndexSelectionCast(grid, axis) for axis in range(3))
    return sitk.Cast(x + 2 * y - 3 * z + 500, sitk.sitkFloat32)


def _linear_in_space(point: np.ndarray) -> float:
    return float(point @ [1.0, 2.0, -3.0] + 500)


def test_a_shearing_parent_resamples_onto_orthogonal_axes(scene: slicer.vtkMRMLScene) -> None:
    node = node_from_image(scene, _smooth_volume(), "CT")
    ras = np.eye(4)
    ras[0, 2], ras[:3, 3] = 0.2, (5.0, 0.0, -8.0)
    _transformed(scene, node, ras)
    moved = image_from_node(node)
    direction = np.reshape(moved.GetDirection(), (3, 3))
    assert np.abs(direction.T @ direction - np.eye(3)).max() < 1e-6
    lps = np.diag([-1.0, -1, 1, 1]) @ ras @ np.diag([-1.0, -1, 1, 1])
    for source in ([0.0, 0.0, 40.0], [-10.0, 5.0, 50.0], [12.0, 15.0, 30.0]):
        target = (lps @ [*source, 1])[:3]
        value = sitk.Resample(moved, (1, 1, 1), sitk.Transform(), sitk.sitkLinear, target.tolist())[0, 0, 0]
        assert value == pytest.approx(_linear_in_space(np.array(source)), abs=0.05)


def test_a_non_linear_parent_resamples_as_hardening_does(scene: slicer.vtkMRMLScene) -> None:
    node = node_from_image(scene, _smooth_volume(), "CT")
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for corner in product((-60, 60), repeat=3):
        source.InsertNextPoint(corner)
        target.InsertNextPoint(corner)
    source.InsertNextPoint(0, 0, 40)
    target.InsertNextPoint(6, -3, 44)
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())
    before = sitk.GetArrayFromImage(image_from_node(node))
    at_target = sitk.Resample(image_from_node(node), (1, 1, 1), sitk.Transform(), sitk.sitkLinear, (-6.0, 3.0, 44.0))[
        0, 0, 0
    ]
    assert at_target == pytest.approx(_linear_in_space(np.array([0.0, 0.0, 40.0])), abs=1.0)
    node.HardenTransform()
    np.testing.assert_allclose(sitk.GetArrayFromImage(image_from_node(node)), before, atol=1e-3)


def test_an_update_keeps_the_node_and_frees_it_of_its_transform(scene: slicer.vtkMRMLScene) -> None:
    node = node_from_image(scene, _smooth_volume(), "old")
    _transformed(scene, node, np.diag([1.0, 1, 1, 1]))
    image = _image(np.eye(3))
    assert node_from_image(scene, image, "new", node) is node
    assert node.GetName() == "new"
    assert node.GetParentTransformNode() is None
    assert _furthest(image, image_from_node(node)) < 1e-6


def test_a_label_map_gets_a_label_map_node(scene: slicer.vtkMRMLScene) -> None:
    labels = sitk.Cast(_smooth_volume() > 480, sitk.sitkUInt8)
    node = node_from_image(scene, labels, "kidneys", label=True)
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    assert node.GetDisplayNode() is not None


def test_what_is_no_volume_is_refused(scene: slicer.vtkMRMLScene, tmp_path: Path) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(ImageContentError, match="'empty' is empty"):
        image_from_node(empty)
    sheared = node_from_image(scene, _smooth_volume(), "tilted")
    sheared.SetIJKToRASDirections(1, 0, 0.3, 0, 1, 0, 0, 0, 1)
    with pytest.raises(GeometryError, match="tilted gantry"):
        image_from_node(sheared)
    with pytest.raises(ImageContentError):
        node_from_image(scene, sitk.Image(4, 4, sitk.sitkFloat32), "picture")
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\ntype: float\n")
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(UnreadableInputError, match=r"broken\.nrrd"):
        read_into(scene, tmp_path / "broken.nrrd", "x")
    assert scene.GetNumberOfNodes() == nodes
