"""Tables of figures: similarity to the acquired phase, and registration. They load no large library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import slicer
import vtk

from NephroSynthLib.errors import UsageError
from NephroSynthLib.files.decimals import beside
from NephroSynthLib.mrml.i18n import tr as _

Column = tuple[str, str, Sequence[str | float]]
"""The title, the unit (may be empty), and the values: texts, or numbers with NaN for missing ones."""

_FIGURES = (
    (_("PSNR (dB)"), "psnr_db", 1),
    (_("SSIM"), "ssim", 3),
    (_("MS-SSIM"), "ms_ssim", 3),
    (_("MAE (HU)"), "mae_hu", 1),
    (_("RMSE (HU)"), "rmse_hu", 1),
    (_("Offset (HU)"), "bias_hu", 1),
    (_("Texture error (HU)"), "texture_hu", 1),
    (_("NCC"), "ncc", 3),
)
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
    """Makes a table of the similarity to the acquired phase: of the synthetic phase, and of images without a model.

    The rows stand in groups: inside the kidneys and around them, in the window 400/50 and in all HU. The offset is the
    mean error; the texture error is the standard deviation of the error, that is what remains without the offset.

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
    references = metrics.get("references", {})
    titles = {"excretory phase": _("Excretory"), "kinetic baseline": _("Kinetic")}
    compared = {_("Synthetic"): metrics, **{titles.get(key, key): one for key, one in references.items()}}
    rows: list[tuple[str, list[str]]] = []
    for region, values, title in _groups(str(metrics["region"])):
        parts = [one[region][values] if one[region] else None for one in compared.values()]
        found = [(text, _figures(parts, key, digits)) for text, key, digits in _FIGURES]
        known = [(text, cells) for text, cells in found if set(cells) != {_NONE}]
        rows += [(title, [""] * len(parts)), *known] if known else []
    rows += _overlap(metrics, len(compared))
    columns: list[Column] = [(_("Figure"), "", [text for text, _ in rows])]
    columns += [(title, "", [cells[index] for _, cells in rows]) for index, title in enumerate(compared)]
    return fill_table(scene, columns, name, node)


def _groups(region: str) -> tuple[tuple[str, str, str], ...]:
    """The region, the range of HU, and the title of each group of rows."""
    around = _("AROUND KIDNEYS") if region == "around kidneys" else _("BODY")
    return (
        ("inside", "window", _("KIDNEYS")),
        ("around", "window", around),
        ("inside", "hu", _("KIDNEYS, all HU")),
        ("around", "hu", _("{region}, all HU").format(region=around)),
    )


def _figures(parts: Sequence[Mapping[str, Any] | None], key: str, digits: int) -> list[str]:
    """One figure of each compared image, as text."""

    def value(part: Mapping[str, Any] | None) -> float | None:
        if part is None:
            return None
        if key == "texture_hu":
            return math.sqrt(max(0.0, part["rmse_hu"] ** 2 - part["bias_hu"] ** 2))
        found: float | None = part[key]
        return found

    return [_text(value(part), digits) for part in parts]


def _overlap(metrics: Mapping[str, Any], images: int) -> list[tuple[str, list[str]]]:
    """The rows of figures that only the synthetic phase has."""
    blank = [""] * (images - 1)
    titles = {"right": _("Dice, right kidney"), "left": _("Dice, left kidney")}
    dice = {titles[side]: figures["dice"] for side, figures in (metrics["kidneys"] or {}).items()}
    found = {_("Fréchet distance"): metrics["frechet_distance"], **dice}
    return [(_("JUDGED BY NETWORKS"), ["", *blank]), *((text, [_text(one, 3), *blank]) for text, one in found.items())]


def registration_table(
    scene: slicer.vtkMRMLScene, summary: Mapping[str, Any], name: str, node: slicer.vtkMRMLTableNode | None = None
) -> slicer.vtkMRMLTableNode:
    """Makes a table of the registration, for each kidney and around both.

    The last row is the least Jacobian: the share of its volume that a voxel keeps where the field compresses it most.
    At 0 or below, the field folds. Arguments are those of `metrics_table`.
    """
    found = summary["registration"]
    after, gate = beside(found["ssim_after"], found["gate"])
    sides = ("right", "left")

    def both(value: float | None) -> list[str]:
        return ["", "", _text(value, 2)]

    def by_side(key: str) -> list[str]:
        return [*(_text(found[key].get(side), 2) for side in sides), ""]

    def shift(axis: str, forth: str, back: str) -> list[str]:
        shifts = [found["kidney_shift_mm"].get(side) for side in sides]
        words = [(forth if one[axis] >= 0 else back).format(mm=abs(one[axis])) if one else _NONE for one in shifts]
        return [*words, ""]

    rows = {
        _("SSIM before"): both(found["ssim_before"]),
        _("SSIM after affine"): both(found["ssim_affine"]),
        _("SSIM after"): ["", "", after.replace("-", "−")],
        _("SSIM needed"): ["", "", gate],
        _("Overlap before (Dice)"): by_side("kidney_dice_before"),
        _("Overlap after (Dice)"): by_side("kidney_dice_after"),
        _("Moved"): shift("norm", _("{mm:.1f} mm"), ""),
        _("   up or down"): shift("superior", _("{mm:.1f} mm up"), _("{mm:.1f} mm down")),
        _("   to a side"): shift("left", _("{mm:.1f} mm left"), _("{mm:.1f} mm right")),
        _("   back or forth"): shift("posterior", _("{mm:.1f} mm back"), _("{mm:.1f} mm forth")),
        _("Least volume kept"): both(found["min_jacobian"]),
    }
    if found.get("landmarks"):
        rows[_("Landmarks apart (mm)")] = both(found["landmarks"]["registered_mean"])
    cells = list(zip(*rows.values(), strict=True))
    titles = (_("Right"), _("Left"), _("Both"))
    columns: list[Column] = [(_("Figure"), "", list(rows))]
    columns += [(title, "", list(column)) for title, column in zip(titles, cells, strict=True)]
    return fill_table(scene, columns, name, node)


def _text(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:.{digits}f}".replace("-", "−")
