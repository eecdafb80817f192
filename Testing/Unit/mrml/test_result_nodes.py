"""A run's folder is loaded whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from kidney_nodes import segmentation_from_labels
from steps_at_once import finish

from NephroSynthLib.errors import GeometryError, NephroSynthError, UnreadableInputError
from NephroSynthLib.mrml.images import matrix_from_vtk, voxels
from NephroSynthLib.mrml.provenance import provenance, run_summary
from NephroSynthLib.mrml.result_nodes import load_result
from NephroSynthLib.mrml.run_order import Outputs
from NephroSynthLib.mrml.segmentation_nodes import labels_from_segmentation
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


@pytest.fixture
def noncontrast(scene: Scene, ct: sitk.Image) -> Node:
    return node_from_image(scene, ct, "Urography 1: native")


def _state(scene: Scene) -> dict[str, Any]:
    """What the scene holds: all nodes with their names, transforms, geometry and voxels."""
    state: dict[str, Any] = {}
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        found: list[Any] = [node.GetName()]
        if node.IsA("vtkMRMLTransformableNode"):
            found.append(node.GetTransformNodeID())
        if node.IsA("vtkMRMLVolumeNode") and node.GetImageData() is not None:
            matrix = vtk.vtkMatrix4x4()
            node.GetIJKToRASMatrix(matrix)
            found += [matrix_from_vtk(matrix).tolist(), image_from_node(node).GetPixelIDTypeAsString()]
            found.append(float(_array(image_from_node(node)).astype(float).sum()))
        if node.IsA("vtkMRMLScalarVolumeDisplayNode"):
            found += [node.GetWindow(), node.GetLevel(), node.GetAutoWindowLevel()]
        if node.IsA("vtkMRMLSegmentationNode"):
            found.append(
                [
                    node.GetSegmentation().GetNthSegment(i).GetName()
                    for i in range(node.GetSegmentation().GetNumberOfSegments())
                ]
            )
        if node.IsA("vtkMRMLTransformNode"):
            found.append(node.GetTransformFromParent().TransformPoint(10.0, 20.0, 30.0))
        state[node.GetID()] = found
    return state


def test_a_result_is_loaded_beside_its_input(scene: Scene, noncontrast: Node, run_folder: Path, ct: sitk.Image) -> None:
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = tree.CreateStudyItem(tree.GetSceneItemID(), "CT urography")
    tree.CreateItem(study, noncontrast)
    loaded = finish(load_result(scene, run_folder, noncontrast))
    names = {"synthetic": "Synthetic NP", "excretory": "Registered EP", "uncertainty": "NP uncertainty"}
    for role, name in names.items():
        node = getattr(loaded, role)
        assert node.GetName() == name
        assert provenance(node)["Input.Noncontrast"] == "Urography 1: native"
        assert image_from_node(node).GetOrigin() == pytest.approx(ct.GetOrigin())
        assert tree.GetItemParent(tree.GetItemByDataNode(node)) == study
    window = loaded.synthetic.GetDisplayNode()
    assert (window.GetWindow(), window.GetLevel(), window.GetAutoWindowLevel()) == (400, 50, 0)
    expected = _array(sitk.ReadImage(str(run_folder / "synthetic_nephrographic.nii.gz")))
    np.testing.assert_array_equal(_array(image_from_node(loaded.synthetic)), expected)
    kidneys = labels_from_segmentation(loaded.kidneys, noncontrast)
    np.testing.assert_array_equal(_array(kidneys), _array(sitk.ReadImage(str(run_folder / "kidneys.nii.gz"))))
    # The file carries non-contrast points by (1, 2, 10) mm LPS to the excretory frame; the node brings them back.
    assert loaded.transform.GetTransformToParent().TransformPoint(0.0, 0.0, 0.0) == pytest.approx((1.0, 2.0, -10.0))
    assert loaded.acquired is None
    assert loaded.report is None
    assert provenance(loaded.synthetic)["Input.Noncontrast"] == "Urography 1: native"
    assert loaded.synthetic.GetNodeReference("NephroSynth.Noncontrast") is noncontrast
    assert run_summary(loaded.synthetic) == json.loads((run_folder / "result.json").read_text())


def test_several_runs_stay_apart(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    first, second = (finish(load_result(scene, run_folder, noncontrast)) for _ in range(2))
    assert first.synthetic is not second.synthetic
    assert first.synthetic.GetName() != second.synthetic.GetName()


def test_given_nodes_are_updated_and_keep_their_names(
    scene: Scene, noncontrast: Node, run_folder: Path, ct: sitk.Image
) -> None:
    first = finish(load_result(scene, run_folder, noncontrast))
    first.synthetic.SetName("mine")
    nodes = scene.GetNumberOfNodes()
    again = finish(
        load_result(
            scene,
            run_folder,
            noncontrast,
            Outputs(first.synthetic, first.excretory, first.kidneys, first.transform, first.uncertainty),
        )
    )
    assert again.synthetic is first.synthetic
    assert again.synthetic.GetName() == "mine"
    assert scene.GetNumberOfNodes() == nodes


def test_only_what_is_wanted_is_loaded(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    loaded = finish(load_result(scene, run_folder, noncontrast, wanted=("synthetic",)))
    assert loaded.synthetic is not None
    assert loaded.excretory is loaded.kidneys is loaded.transform is loaded.uncertainty is None


def test_uncompressed_images_are_loaded_as_well(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    for path in run_folder.glob("*.nii.gz"):
        sitk.WriteImage(sitk.ReadImage(str(path)), str(run_folder / f"{path.name[:-7]}.nrrd"))
        path.unlink()
    assert finish(load_result(scene, run_folder, noncontrast)).kidneys is not None


def _break_image(folder: Path) -> None:
    path = folder / "uncertainty.nii.gz"
    path.write_bytes(path.read_bytes()[:200])


def _cut_nrrd_short(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "synthetic_nephrographic.nii.gz"))
    (folder / "synthetic_nephrographic.nii.gz").unlink()
    path = folder / "synthetic_nephrographic.nrrd"
    sitk.WriteImage(image, str(path))
    path.write_bytes(path.read_bytes()[:-1000])


def _remove_kidneys(folder: Path) -> None:
    (folder / "kidneys.nii.gz").unlink()


def _move_excretory(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "excretory_registered.nii.gz"))
    image.SetOrigin((1.0, 2.0, 3.0))
    sitk.WriteImage(image, str(folder / "excretory_registered.nii.gz"))


def _break_summary(folder: Path) -> None:
    (folder / "result.json").write_text("{", encoding="utf-8")


def _newer_summary(folder: Path) -> None:
    summary = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**summary, "schema_version": 99}))


def _break_transform(folder: Path) -> None:
    (folder / "excretory_to_noncontrast.h5").write_bytes(b"no transform")


def _foreign_labels(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "kidneys.nii.gz"))
    sitk.WriteImage(image * 30, str(folder / "kidneys.nii.gz"))


BREAKS = [
    (_break_image, UnreadableInputError),
    (_cut_nrrd_short, UnreadableInputError),
    (_remove_kidneys, UnreadableInputError),
    (_move_excretory, GeometryError),
    (_break_summary, UnreadableInputError),
    (_newer_summary, UnreadableInputError),
    (_break_transform, UnreadableInputError),
    (_foreign_labels, UnreadableInputError),
    (shutil.rmtree, UnreadableInputError),
]


@pytest.mark.parametrize("update", [False, True], ids=["new nodes", "given nodes"])
@pytest.mark.parametrize(("damage", "error"), BREAKS, ids=[damage.__name__ for damage, _ in BREAKS])
def test_a_result_that_cannot_be_loaded_leaves_the_scene_as_it_was(
    scene: Scene,
    noncontrast: Node,
    run_folder: Path,
    damage: Any,
    error: type[NephroSynthError],
    update: bool,
    ct: sitk.Image,
) -> None:
    outputs = _outputs(scene, noncontrast, ct) if update else Outputs()
    damage(run_folder)
    before = _state(scene)
    with pytest.raises(error):
        finish(load_result(scene, run_folder, noncontrast, outputs))
    assert _state(scene) == before


def _outputs(scene: Scene, noncontrast: Node, ct: sitk.Image) -> Outputs:
    """Nodes that hold something, one under a transform."""
    other = sitk.Cast(ct[2:, 3:, :] * 0 + 7, sitk.sitkInt16)
    synthetic = node_from_image(scene, other, "mine")
    shift = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    synthetic.SetAndObserveTransformNodeID(shift.GetID())
    labels = sitk.Cast(sitk.Abs(ct) < 1000, sitk.sitkUInt8)
    kidneys = segmentation_from_labels(scene, labels, "my kidneys", noncontrast)
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "my transform")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 5.0)
    transform.SetMatrixTransformToParent(matrix)
    return Outputs(synthetic=synthetic, kidneys=kidneys, transform=transform)


@pytest.mark.parametrize("update", [False, True], ids=["new nodes", "given nodes"])
def test_a_loading_that_is_ended_at_any_step_leaves_the_scene_as_it_was(
    scene: Scene, noncontrast: Node, run_folder: Path, update: bool, ct: sitk.Image
) -> None:
    outputs = _outputs(scene, noncontrast, ct) if update else Outputs()
    before = _state(scene)
    messages: set[str] = set()
    ended = 0
    while True:
        loading = load_result(scene, run_folder, noncontrast, outputs)
        step = next((one for one in loading if one.message not in messages), None)
        if step is None:
            break
        messages.add(step.message)
        loading.close()
        ended += 1
        assert _state(scene) == before, step.message
    assert ended >= 10
    assert _state(scene) != before


def test_steps_tell_how_far_the_loading_is(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    fractions = [step.fraction for step in load_result(scene, run_folder, noncontrast)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0


def test_nodes_that_left_the_scene_during_the_run_are_not_missed(
    scene: Scene, noncontrast: Node, run_folder: Path, ct: sitk.Image
) -> None:
    outputs = _outputs(scene, noncontrast, ct)
    for node in (noncontrast, outputs.synthetic, outputs.kidneys):
        scene.RemoveNode(node)
    loaded = finish(load_result(scene, run_folder, noncontrast, outputs))
    assert loaded.synthetic is not outputs.synthetic
    assert scene.IsNodePresent(loaded.synthetic)
    assert scene.IsNodePresent(loaded.kidneys)
    assert loaded.transform is outputs.transform
    assert provenance(loaded.synthetic)["Input.Noncontrast"] == "Urography 1: native"


def test_a_scene_closed_while_loading_stays_closed(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    loading = load_result(scene, run_folder, noncontrast)
    for step in loading:
        if step.message == "Showing the transform":
            break
    scene.Clear(False)
    kept = scene.GetNumberOfNodes()
    loading.close()
    assert scene.GetNumberOfNodes() == kept


def test_segment_statistics_finds_what_it_reads_in_a_result(scene: Scene, noncontrast: Node, run_folder: Path) -> None:
    """The module reads binary label maps on the grid of a volume, closed surfaces, and units.

    slicer-core does not have it, so this follows its plugins (Slicer/Modules/Scripted/SegmentStatistics).
    """
    loaded = finish(load_result(scene, run_folder, noncontrast))
    volume, segmentation = loaded.synthetic, loaded.kidneys
    assert volume.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"
    assert volume.GetVoxelValueQuantity().GetCodeValue() == "112031"
    grid, between = slicer.vtkOrientedImageData(), vtk.vtkGeneralTransform()
    grid.SetExtent(volume.GetImageData().GetExtent())
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    grid.SetGeometryFromImageToWorldMatrix(matrix)
    parents = (segmentation.GetParentTransformNode(), volume.GetParentTransformNode())
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(*parents, between)
    values = _array(sitk.ReadImage(str(run_folder / "synthetic_nephrographic.nii.gz")))
    labels = _array(sitk.ReadImage(str(run_folder / "kidneys.nii.gz")))
    voxel_mm3 = float(np.prod(volume.GetSpacing()))
    assert segmentation.CreateClosedSurfaceRepresentation()
    for label, name in ((1, "Right kidney"), (2, "Left kidney")):
        segment = segmentation.GetSegmentation().GetSegmentIdBySegmentName(name)
        drawn, on_grid = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
        segmentation.GetBinaryLabelmapRepresentation(segment, drawn)
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            drawn, grid, on_grid, False, False, between
        )
        inside = voxels(on_grid) > 0
        assert values[inside].mean() == pytest.approx(values[labels == label].mean(), abs=0.01), name
        assert inside.sum() == (labels == label).sum()
        surface = vtk.vtkPolyData()
        segmentation.GetClosedSurfaceRepresentation(segment, surface)
        mass = vtk.vtkMassProperties()
        mass.SetInputData(surface)
        assert mass.GetVolume() == pytest.approx(inside.sum() * voxel_mm3, rel=0.3), name
