"""The voxels of a volume on another grid agree with the resampling of the library."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.mrml.common_grid import NOWHERE, OnGrid
from NephroSynthLib.mrml.volume_nodes import image_from_node, in_world, node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode
BOX = (slice(3, 9), slice(2, 20), slice(5, 30))


def test_voxels_of_the_same_grid_are_not_copied(scene: Scene, ct: sitk.Image) -> None:
    node = node_from_image(scene, ct, "ct")
    found = OnGrid(in_world(node), in_world(node))
    assert found.exact
    assert found.overlaps
    assert found[BOX].base is not None
    np.testing.assert_array_equal(found[BOX], sitk.GetArrayFromImage(ct)[BOX])


@pytest.mark.parametrize("turned", [False, True])
def test_voxels_of_another_grid_are_interpolated(scene: Scene, ct: sitk.Image, turned: bool) -> None:
    grid = sitk.Image(36, 22, 14, sitk.sitkInt16)
    grid.SetSpacing((2.2, 2.6, 3.4))
    grid.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1) if turned else ct.GetDirection())
    grid.SetOrigin(ct.TransformContinuousIndexToPhysicalPoint((-2.3, 1.2, 2.7)))
    node, like = node_from_image(scene, ct, "ct"), node_from_image(scene, grid, "grid")
    found = OnGrid(in_world(node), in_world(like))[BOX]
    wanted = sitk.GetArrayFromImage(resample(image_from_node(node), image_from_node(like), outside=2 * NOWHERE))[BOX]
    assert found.dtype == np.float32
    there = (found > NOWHERE) & (wanted > NOWHERE)
    assert there.mean() > 0.6
    assert ((found > NOWHERE) == (wanted > NOWHERE)).mean() > 0.9  # ITK goes half a voxel beyond the outermost ones
    np.testing.assert_allclose(found[there], wanted[there], atol=0.05)


@pytest.mark.parametrize(("shift", "there"), [(0.0, True), (50.0, True), (5000.0, False)])
def test_grids_overlap_or_do_not(scene: Scene, ct: sitk.Image, shift: float, there: bool) -> None:
    moved = sitk.Image(ct)
    moved.SetOrigin([coordinate + shift for coordinate in ct.GetOrigin()])
    part = moved[10:12, 10:12, 10:12]  # smaller than the steps at which the grid is looked at
    nodes = [in_world(node_from_image(scene, image, "ct")) for image in (ct, moved, part)]
    assert OnGrid(nodes[1], nodes[0]).overlaps is there
    assert OnGrid(nodes[2], nodes[1]).overlaps
