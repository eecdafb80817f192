"""A result lies on its source, from the node through the files of a run and back into a node."""

from __future__ import annotations

import json
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from steps_at_once import finish

from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.mrml.result_nodes import load_result
from NephroSynthLib.mrml.volume_nodes import node_from_image, node_writer

SIZE = (16, 18, 20)
ORIENTED = [
    np.eye(3)[list(order)] * flips for order in permutations(range(3)) for flips in product((1.0, -1.0), repeat=3)
]


def turned(*radians: float) -> np.ndarray:
    turn = sitk.Euler3DTransform()
    turn.SetRotation(*radians)
    return np.reshape(turn.GetMatrix(), (3, 3))


def ct(direction: np.ndarray) -> sitk.Image:
    """Tissue in fat, with a bright voxel off every middle; HU, far from the origin."""
    values = np.full(SIZE[::-1], -1000.0, np.float32)
    values[3:18, 3:15, 2:13] = -100.0
    values[4:17, 4:14, 3:12] = 40.0
    values[11, 5, 4] = 900.0
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7123, 1.4, 2.9))
    image.SetOrigin((-171.3, 88.25, -912.5))
    image.SetDirection(direction.ravel().tolist())
    return image


def corners(node: Any) -> np.ndarray:
    """Where the eight outer voxels of a volume lie in the world, RAS mm."""
    matrix, to_world = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetMatrixTransformToWorld(to_world)
    vtk.vtkMatrix4x4.Multiply4x4(to_world, matrix, matrix)
    outer = product(*((0, size - 1) for size in node.GetImageData().GetDimensions()))
    return np.array([matrix.MultiplyPoint((*corner, 1.0))[:3] for corner in outer])


def run_on(source: Any, folder: Path, summary: dict[str, Any]) -> Path:
    """The files of a run whose every volume is the source, as the worker reads and writes them."""
    node_writer(source, folder / "noncontrast.nrrd")()
    image = read_volume(folder / "noncontrast.nrrd").image
    result = folder / "result"
    for name in ("synthetic_nephrographic", "excretory_registered"):
        save_image(image, result / f"{name}.nrrd")
    save_image(sitk.Cast(image > 800, sitk.sitkUInt8), result / "kidneys.nrrd")
    sitk.WriteTransform(sitk.TranslationTransform(3), str(result / "excretory_to_noncontrast.h5"))
    (result / "result.json").write_text(json.dumps(summary), encoding="utf-8")
    return result


@pytest.mark.parametrize("direction", [*ORIENTED, turned(0.3, -0.2, 0.5), turned(-1.1, 0.4, 2.5)])
@pytest.mark.parametrize("transformed", [False, True])
def test_a_synthetic_volume_lies_on_its_source_to_a_hundredth_of_a_millimetre(
    scene: Any, tmp_path: Path, summary: dict[str, Any], direction: np.ndarray, transformed: bool
) -> None:
    source = node_from_image(scene, ct(direction), "CT")
    if transformed:
        parent, matrix = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode"), np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turned(0.1, 0.2, -0.3), (12.0, -30.0, 45.5)
        parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        source.SetAndObserveTransformNodeID(parent.GetID())
    loaded = finish(load_result(scene, run_on(source, tmp_path, summary), source))
    for node in (loaded.synthetic, loaded.excretory):
        assert np.linalg.norm(corners(node) - corners(source), axis=1).max() < 0.01
        voxels = slicer.util.arrayFromVolume(node)
        np.testing.assert_array_equal(voxels, slicer.util.arrayFromVolume(source))
