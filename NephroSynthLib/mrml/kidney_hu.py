"""The HU of each kidney in each phase: all voxels, and a table of their mean, spread and median."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.imaging.grids import AIR_HU, Box, box_around, resample, same_grid
from NephroSynthLib.imaging.sides import LEFT, RIGHT
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import Matrix, grid_from_vtk, image_from_vtk, voxels
from NephroSynthLib.mrml.segmentation_nodes import kidneys_source
from NephroSynthLib.mrml.tables import Column, fill_table
from NephroSynthLib.mrml.volume_nodes import in_world
from NephroSynthLib.session.steps import Change, Step, Steps, in_background

_SIDES = {_("Right"): RIGHT, _("Left"): LEFT}


def kidney_hu_table(
    scene: slicer.vtkMRMLScene,
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode],
    segmentation: slicer.vtkMRMLSegmentationNode,
    name: str,
    node: slicer.vtkMRMLTableNode | None = None,
) -> Steps[Change[slicer.vtkMRMLTableNode]]:
    """Makes a table of the mean, standard deviation and median HU of each kidney in each volume.

    Args:
        scene: The scene that takes a new node.
        volumes: The volumes, by phase. The kidneys are drawn on the grid of the first.
        segmentation: A segmentation or label map node of the kidneys.
        name: The name of the node.
        node: A node to update instead of making a new one.

    Returns:
        A generator of steps whose value makes or updates the node.

    Raises:
        UsageError: While stepping, if no volume is given.
        NoKidneyError: While stepping, if the segmentation has no kidney.
        GeometryError: While stepping, if the kidneys lie outside the first volume.
    """
    hu = yield from kidney_hu(volumes, segmentation)
    rows = [(side, phase, values) for (side, phase), values in hu.items()]
    columns: list[Column] = [
        (_("Kidney"), "", [side for side, _, _ in rows]),
        (_("Phase"), "", [phase for _, phase, _ in rows]),
        (_("Mean"), "HU", [round(float(values.mean()), 1) for _, _, values in rows]),
        (_("SD"), "HU", [round(float(values.std()), 1) for _, _, values in rows]),
        (_("Median"), "HU", [round(float(np.median(values)), 1) for _, _, values in rows]),
    ]
    return lambda: fill_table(scene, columns, name, node)


def kidney_hu(
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode], segmentation: slicer.vtkMRMLSegmentationNode
) -> Steps[dict[tuple[str, str], NDArray[np.float32]]]:
    """The HU of all voxels of each kidney in each volume, by kidney ('Right', 'Left') and phase.

    Arguments and errors are those of `kidney_hu_table`. The value of the generator is the result.
    """
    if not volumes:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    draw = kidneys_source(segmentation, next(iter(volumes.values())))
    placed = {phase: in_world(volume) for phase, volume in volumes.items()}

    def work() -> dict[tuple[str, str], NDArray[np.float32]]:
        whole = draw()
        box = box_around(sitk.GetArrayViewFromImage(whole) > 0, whole.GetSpacing(), 0.0)
        labels = box.crop(whole)
        sides = sitk.GetArrayFromImage(labels)
        hu = {phase: _cropped(volume, box, whole, labels) for phase, volume in placed.items()}
        found = {
            (title, phase): values[(sides == side) & (values > AIR_HU)]
            for title, side in _SIDES.items()
            for phase, values in hu.items()
        }
        return {key: values for key, values in found.items() if values.size}

    return (yield from in_background(work, Step(0.0, _("Measuring the kidneys"))))


def _cropped(
    volume: tuple[vtk.vtkImageData, Matrix], box: Box, whole: sitk.Image, labels: sitk.Image
) -> NDArray[np.float32]:
    """The HU of a volume in a box. Only the box is copied if the volume lies on the grid of the whole label map."""
    if same_grid(grid_from_vtk(*volume), whole):
        return voxels(volume[0])[box.slices].astype(np.float32)
    return sitk.GetArrayFromImage(resample(sitk.Cast(image_from_vtk(*volume), sitk.sitkFloat32), labels))
