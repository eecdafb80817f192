"""Tables of figures: similarity to the acquired phase, registration, and HU by kidney and phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.files.decimals import beside
from NephroSynthLib.imaging.grids import AIR_HU, box_around, resample
from NephroSynthLib.imaging.sides import LEFT, RIGHT
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.segmentation_nodes import kidney_labels
from NephroSynthLib.mrml.volume_nodes import image_from_node

Column = tuple[str, str, Sequence[str | float]]
"""The title, the unit (may be empty), and the values: texts, or numbers with NaN for missing ones."""

_FIGURES = (
    (_("PSNR (dB)"), "psnr_db", 1),
    (_("SSIM"), "ssim", 3),
    (_("MS-SSIM"), "ms_ssim", 3),
    (_("MAE (HU)"), "mae_hu", 1),
    (_("RMSE (HU)"), "rmse_hu", 1),
    (_("Bias (HU)"), "bias_hu", 1),
    (_("NCC"), "ncc", 3),
)
_SIDES = {_("Right"): RIGHT, _("Left"): LEFT}
_NONE = "–"


def fill_table(
    scene: slicer.vtkMRMLScene, columns: Sequence[Column], name: str, node: slicer.vtkMRMLTableNode | None = None
) -> slicer.vtkMRMLTableNode:
    """Makes a table node with these columns, or updates `node`."""
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
    else:
        node.SetName(name)
    modifying = node.StartModify()
    node.RemoveAllColumns()
    for title, unit, values in columns:
        texts = any(isinstance(value, str) for value in values)
        array = vtk.vtkStringArray() if texts else vtk.vtkDoubleArray()
        array.SetName(title)
        for value in values:
            array.InsertNextValue(value)
        node.AddColumn(array)
        if unit:
            node.SetColumnUnitLabel(title, unit)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    node.EndModify(modifying)
    return node


def metrics_table(
    scene: slicer.vtkMRMLScene, summary: Mapping[str, Any], name: str, node: slicer.vtkMRMLTableNode | None = None
) -> slicer.vtkMRMLTableNode:
    """Makes a table of the similarity of synthetic and acquired phase, in the window 400/50 and in all HU.

    Args:
        scene: The scene that takes a new node.
        summary: The content of a run's `result.json`.
        name: The name of the node.
        node: A node to update instead of making a new one.

    Raises:
        UsageError: If the run had no acquired phase.
    """
    metrics = summary.get("metrics")
    if not metrics:
        raise UsageError(_("The run had no acquired nephrographic phase to compare with."))
    regions = [(f"{metrics['region'].capitalize()}", metrics["around"])]
    if metrics["inside"]:
        regions.append((_("Inside kidneys"), metrics["inside"]))
    dice = {"right": _("Dice, right kidney"), "left": _("Dice, left kidney")}
    overlap = {dice[side]: figures for side, figures in (metrics["kidneys"] or {}).items()}
    titles = [title for title, _, _ in _FIGURES]
    columns: list[Column] = [(_("Figure"), "", [*titles, _("Fréchet distance"), *overlap])]
    for place, figures in regions:
        whole = figures is metrics["around"]
        for suffix, key in ((_("window"), "window"), (_("all HU"), "hu")):
            extra = [metrics["frechet_distance"] if whole and key == "window" else None]
            extra += [figure["dice"] if not whole and key == "window" else None for figure in overlap.values()]
            values = [_text(figures[key][field], digits) for _, field, digits in _FIGURES]
            columns.append((f"{place}, {suffix}", "", [*values, *(_text(value, 3) for value in extra)]))
    return fill_table(scene, columns, name, node)


def registration_table(
    scene: slicer.vtkMRMLScene, summary: Mapping[str, Any], name: str, node: slicer.vtkMRMLTableNode | None = None
) -> slicer.vtkMRMLTableNode:
    """Makes a table of the registration, for each kidney and around both. Arguments are those of `metrics_table`."""
    found = summary["registration"]
    after, gate = beside(found["ssim_after"], found["gate"])
    sides = ("right", "left")

    def both(value: float | None) -> list[str]:
        return ["", "", _text(value, 2)]

    def by_side(key: str) -> list[str]:
        return [*(_text(found[key].get(side), 2) for side in sides), ""]

    def shift(*axes: str) -> list[str]:
        shifts = [found["kidney_shift_mm"].get(side) for side in sides]
        return [*(", ".join(_text(one[axis], 1) for axis in axes) if one else _NONE for one in shifts), ""]

    rows = {
        _("SSIM before"): both(found["ssim_before"]),
        _("SSIM after affine"): both(found["ssim_affine"]),
        _("SSIM after"): ["", "", after.replace("-", "−")],
        _("SSIM needed"): ["", "", gate],
        _("Dice before"): by_side("kidney_dice_before"),
        _("Dice after"): by_side("kidney_dice_after"),
        _("Shift (mm)"): shift("norm"),
        _("to left, back, up"): shift("left", "posterior", "superior"),
        _("Least Jacobian"): both(found["min_jacobian"]),
    }
    cells = list(zip(*rows.values(), strict=True))
    titles = (_("Right"), _("Left"), _("Both"))
    columns: list[Column] = [(_("Figure"), "", list(rows))]
    columns += [(title, "", list(column)) for title, column in zip(titles, cells, strict=True)]
    return fill_table(scene, columns, name, node)


def kidney_hu_table(
    scene: slicer.vtkMRMLScene,
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode],
    segmentation: slicer.vtkMRMLSegmentationNode,
    name: str,
    node: slicer.vtkMRMLTableNode | None = None,
) -> slicer.vtkMRMLTableNode:
    """Makes a table of the mean, standard deviation and median HU of each kidney in each volume.

    Args:
        scene: The scene that takes a new node.
        volumes: The volumes, by phase. The kidneys are drawn on the grid of the first.
        segmentation: A segmentation or label map node of the kidneys.
        name: The name of the node.
        node: A node to update instead of making a new one.

    Raises:
        UsageError: If no volume is given.
        NoKidneyError: If the segmentation has no kidney.
        GeometryError: If the kidneys lie outside the first volume.
    """
    hu = kidney_hu(volumes, segmentation)
    rows = [(side, phase, values) for (side, phase), values in hu.items()]
    columns: list[Column] = [
        (_("Kidney"), "", [side for side, _, _ in rows]),
        (_("Phase"), "", [phase for _, phase, _ in rows]),
        (_("Mean"), "HU", [round(float(values.mean()), 1) for _, _, values in rows]),
        (_("SD"), "HU", [round(float(values.std()), 1) for _, _, values in rows]),
        (_("Median"), "HU", [round(float(np.median(values)), 1) for _, _, values in rows]),
    ]
    return fill_table(scene, columns, name, node)


def kidney_hu(
    volumes: Mapping[str, slicer.vtkMRMLScalarVolumeNode], segmentation: slicer.vtkMRMLSegmentationNode
) -> dict[tuple[str, str], NDArray[np.float32]]:
    """The HU of all voxels of each kidney in each volume, by kidney ('Right', 'Left') and phase.

    Arguments and errors are those of `kidney_hu_table`.
    """
    if not volumes:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    labels = kidney_labels(segmentation, next(iter(volumes.values())))
    box = box_around(sitk.GetArrayViewFromImage(labels) > 0, labels.GetSpacing(), 0.0)
    labels = box.crop(labels)
    sides = sitk.GetArrayFromImage(labels)
    images = {
        phase: sitk.GetArrayFromImage(resample(sitk.Cast(image_from_node(volume), sitk.sitkFloat32), labels))
        for phase, volume in volumes.items()
    }
    found = {
        (title, phase): values[(sides == side) & (values > AIR_HU)]
        for title, side in _SIDES.items()
        for phase, values in images.items()
    }
    return {key: values for key, values in found.items() if values.size}


def _text(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:.{digits}f}".replace("-", "−")
