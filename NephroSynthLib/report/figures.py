"""The pictures of a report: phases in three planes, kidney outlines, registration, uncertainty, HU histogram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from NephroSynthLib import options
from NephroSynthLib.imaging.grids import AIR_HU, Box, box_around, resample
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.report.planes import PIXEL_MM, Anatomy, Extent, Plane, axial, coronal, find_anatomy, sagittal
from NephroSynthLib.report.sheet import AMBER, SIDE_COLOURS, Outline, Scale, Tile, paint, png

NONCONTRAST, EXCRETORY, SYNTHETIC, ACQUIRED = (
    "Non-contrast",
    "Excretory, registered",
    "Synthetic nephrographic",
    "Acquired nephrographic",
)
DIFFERENCE = Scale("RdBu_r", -100, 100, "HU")
SYNTHETIC_NOTE = "SYNTHETIC\nresearch only"

_PHASE_COLOURS = {NONCONTRAST: "#7b8794", EXCRETORY: "#2f9e8f", SYNTHETIC: "#e08a1e", ACQUIRED: "#4a6fe3"}
_Z_MARGIN_MM, _CLOSE_MARGIN_MM, _BOARD_MM = 40.0, 18.0, 20.0


@dataclass(frozen=True)
class Views:
    """The volumes that the pictures show.

    Attributes:
        phases: Images in HU on any grid by name, in the order of the columns, with `NONCONTRAST` and `SYNTHETIC`.
        kidneys: Label map, 1 right and 2 left.
        anatomy: Position of the body and the kidneys.
        region: Mask of the voxels that the model synthesized. Outside, the synthetic phase is the kinetic baseline.
    """

    phases: dict[str, sitk.Image]
    kidneys: sitk.Image
    anatomy: Anatomy
    region: sitk.Image


def make_views(phases: Mapping[str, sitk.Image], kidneys: sitk.Image, region: Box) -> Views:
    """Returns the volumes for the pictures; `region` is a box of voxels of the synthetic phase."""
    inside = np.zeros(phases[SYNTHETIC].GetSize()[::-1], np.float32)
    inside[region.slices] = 1
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(phases[SYNTHETIC])
    return Views(dict(phases), kidneys, find_anatomy(phases[NONCONTRAST], kidneys), mask)


def phases_figure(views: Views) -> bytes:
    """Paints three planes through the kidneys in each phase, and the synthetic minus an acquired phase."""
    planes = _body_planes(views.anatomy)
    rows = []
    for plane in planes:
        row = [_phase_tile(views, name, plane) for name in views.phases]
        if ACQUIRED in views.phases:
            row.append(Tile(plane, _difference(views, plane), DIFFERENCE, note=SYNTHETIC_NOTE))
        rows.append(row)
    columns = [*views.phases, *(["Synthetic − acquired"] if ACQUIRED in views.phases else [])]
    return paint(rows, columns, [plane.name for plane in planes])


def outlines_figure(views: Views) -> bytes:
    """Paints each kidney in each phase at a larger scale, with its outline."""
    rows, names = [], []
    for side, extent in views.anatomy.kidneys.items():
        plane = coronal(
            float(views.anatomy.centroids[side][1]), extent.grown(_CLOSE_MARGIN_MM).within(views.anatomy.body)
        )
        outlines = _kidney_outlines(views.kidneys, plane)
        rows.append(
            [
                Tile(plane, plane.sample(image), outlines=outlines, note=SYNTHETIC_NOTE if name == SYNTHETIC else "")
                for name, image in views.phases.items()
            ]
        )
        names.append(f"{side} kidney, coronal")
    return paint(rows, list(views.phases), names)


def registration_figure(views: Views, before: sitk.Image) -> bytes:
    """Paints the excretory over the non-contrast phase, before and after registration, in colours and as tiles."""
    fixed, after = views.phases[NONCONTRAST], views.phases[EXCRETORY]
    close = views.anatomy.both_kidneys.grown(options.MARGIN.default).within(views.anatomy.body)
    planes = [axial(views.anatomy.axial_z, close), coronal(_kidney_y(views.anatomy), close)]
    rows = []
    for plane in planes:
        still = plane.sample(fixed)
        moving = [plane.sample(image) for image in (before, after)]
        rows.append([Tile(plane, merge(still, picture)) for merge in (_overlay, _checkerboard) for picture in moving])
    columns = ["Overlay, before", "Overlay, after", "Checkerboard, before", "Checkerboard, after"]
    return paint(rows, columns, [plane.name for plane in planes])


def uncertainty_figure(views: Views, uncertainty: sitk.Image) -> bytes:
    """Paints the standard deviation over the samples in three planes, with the outlines of the kidneys."""
    scale = Scale("magma", 0, 50, "HU")
    planes = _body_planes(views.anatomy)
    tiles = [
        Tile(
            plane, plane.sample(uncertainty, outside=0.0), scale, _kidney_outlines(views.kidneys, plane), SYNTHETIC_NOTE
        )
        for plane in planes
    ]
    return paint([tiles], [plane.name for plane in planes], [""])


def histogram_figure(views: Views, *, dark: bool) -> bytes:
    """Paints the densities of the HU inside the kidneys in each phase, on a light or a dark background."""
    ground, ink, rule = ("#171a1f", "#d6dae0", "#3a4048") if dark else ("#ffffff", "#1f2933", "#d9dee4")
    figure = Figure(figsize=(11, 3.4), dpi=110, facecolor=ground)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.06, 0.17, 0.925, 0.75), facecolor=ground)
    edges = np.arange(-100.0, 401.0, 5.0)
    for name, hu in _inside_kidneys(views).items():
        density, _ = np.histogram(hu.clip(edges[0], edges[-1] - 1), edges)
        share = 100 * density / max(1, hu.size)
        style = "--" if name == ACQUIRED else "-"
        axes.stairs(share, edges, color=_PHASE_COLOURS[name], linewidth=1.8, linestyle=style, label=name)
        axes.stairs(share, edges, color=_PHASE_COLOURS[name], alpha=0.12, fill=True)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("HU inside the kidneys (values beyond the ends are counted at the ends)", color=ink)
    axes.set_ylabel("% of voxels per 5 HU", color=ink)
    axes.tick_params(colors=ink, length=3)
    axes.grid(axis="y", color=rule, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(rule)
    axes.legend(frameon=False, labelcolor=ink, loc="upper right")
    return png(canvas)


def _body_planes(anatomy: Anatomy) -> list[Plane]:
    body, kidneys = anatomy.body, anatomy.both_kidneys
    height = Extent(
        np.array([*body.lower[:2], kidneys.lower[2] - _Z_MARGIN_MM]),
        np.array([*body.upper[:2], kidneys.upper[2] + _Z_MARGIN_MM]),
    ).within(body)
    largest = max(
        anatomy.kidneys, key=lambda side: float(np.prod(anatomy.kidneys[side].upper - anatomy.kidneys[side].lower))
    )
    return [
        axial(anatomy.axial_z, body),
        coronal(_kidney_y(anatomy), height),
        sagittal(float(anatomy.centroids[largest][0]), height),
    ]


def _kidney_y(anatomy: Anatomy) -> float:
    return float(np.mean([centroid[1] for centroid in anatomy.centroids.values()]))


def _phase_tile(views: Views, name: str, plane: Plane) -> Tile:
    values = plane.sample(views.phases[name])
    if name != SYNTHETIC:
        return Tile(plane, values)
    region = Outline(plane.sample(views.region, outside=0.0), AMBER, dotted=True)
    return Tile(plane, values, outlines=(region,), note=SYNTHETIC_NOTE)


def _difference(views: Views, plane: Plane) -> NDArray[np.floating]:
    """Returns synthetic minus acquired HU, and NaN in the padding of the acquired phase."""
    acquired = views.phases[ACQUIRED]
    seen = plane.sample(sitk.Cast(acquired > AIR_HU, sitk.sitkFloat32), outside=0.0) > 0.999
    return np.where(seen, plane.sample(views.phases[SYNTHETIC]) - plane.sample(acquired), np.nan)


def _kidney_outlines(kidneys: sitk.Image, plane: Plane) -> tuple[Outline, ...]:
    return tuple(
        Outline(plane.sample(sitk.Cast(kidneys == label, sitk.sitkFloat32), outside=0.0), SIDE_COLOURS[side])
        for side, label in SIDES.items()
    )


def _overlay(fixed: NDArray[np.floating], moving: NDArray[np.floating]) -> NDArray[np.floating]:
    green, magenta = ((to_window(picture) + 1) / 2 for picture in (fixed, moving))
    return np.stack([magenta, green, magenta], axis=-1)


def _checkerboard(fixed: NDArray[np.floating], moving: NDArray[np.floating]) -> NDArray[np.floating]:
    row, column = (np.arange(count) * PIXEL_MM // _BOARD_MM for count in fixed.shape)
    return np.where((row[:, None] + column[None]) % 2 == 0, fixed, moving)


def _inside_kidneys(views: Views) -> dict[str, NDArray[np.number]]:
    mask = sitk.GetArrayViewFromImage(views.kidneys) > 0
    box = box_around(mask, views.kidneys.GetSpacing(), 0.0)
    grid = box.crop(views.kidneys)
    inside = mask[box.slices]
    found = {name: sitk.GetArrayFromImage(resample(image, grid))[inside] for name, image in views.phases.items()}
    return {name: hu[hu > AIR_HU] for name, hu in found.items()}
