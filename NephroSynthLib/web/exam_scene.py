"""The exam as nodes of a MRML scene, and the part of it that the slice views show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from NephroSynthLib.imaging.window import LEVEL_HU, WIDTH_HU
from NephroSynthLib.mrml import comparison, display, plots, volume_rendering
from NephroSynthLib.mrml.colours import DIVERGING, SEQUENTIAL, know_legends
from NephroSynthLib.mrml.result_nodes import load_result, remove_node
from NephroSynthLib.mrml.views import composite, show
from NephroSynthLib.mrml.volume_nodes import attach, prepare
from NephroSynthLib.session.steps import Step, Steps, in_background
from NephroSynthLib.web.cells import CHECKERBOARD, DIFFERENCE, PHASES, UNCERTAINTY, Cell

_TILES = 12
_ALONE_MM = 80.0
_COLOURS = {
    DIFFERENCE: ("HU, red: synthetic higher", DIVERGING),
    UNCERTAINTY: ("Standard deviation, HU", SEQUENTIAL),
}
_WANTED = ("synthetic", "excretory", "acquired", "uncertainty", "kidneys")

Reader = Callable[[], sitk.Image]
"""Reads the non-contrast phase, in a thread."""


@dataclass(frozen=True)
class Legend:
    """The colours of a volume, for a page that draws its legend sharper than the renderer does.

    Attributes:
        title: The quantity that the colours show.
        low, high: The values of the first and the last colour, HU.
        colours: Colours in CSS from low to high.
    """

    title: str
    low: int
    high: int
    colours: tuple[str, ...]


class ExamScene:
    """One exam at a time in a scene.

    Args:
        scene: A MRML scene with its colours.

    Attributes:
        volumes: The volume nodes by role: the phases, the uncertainty, and comparisons that were made.
        kidneys: The segmentation node of the kidneys; None before an exam is loaded.
        summary: The content of `result.json`.
    """

    def __init__(self, scene: Any) -> None:
        know_legends(scene)
        self.scene = scene
        self.volumes: dict[str, Any] = {}
        self.kidneys: Any = None
        self.summary: dict[str, Any] = {}
        self._line: Any = None
        self._pairs: dict[str, tuple[str, str]] = {}

    def load(self, folder: Path, noncontrast: Reader | None) -> Steps[None]:
        """Replaces the exam by that of a result folder.

        Args:
            folder: The result folder.
            noncontrast: Reads the non-contrast phase, which no result holds; None if it is not known.

        Raises:
            UnreadableInputError, GeometryError: While stepping, as `load_result`. No exam is shown then.
            NephroSynthError: While stepping, if the non-contrast phase cannot be read.
        """
        self.clear()
        if noncontrast is not None:
            step = Step(0.0, "Reading the non-contrast phase")
            image = yield from in_background(noncontrast, step)
            content = yield from in_background(partial(prepare, image), step)
            node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", PHASES["noncontrast"])
            display.set_ct_window(node)
            attach(content, node)
            self.volumes["noncontrast"] = node
        try:
            result = yield from load_result(self.scene, folder, None, wanted=_WANTED)
        except BaseException:
            self.clear()
            raise
        self.summary = result.summary
        self.kidneys = result.kidneys
        for role in ("excretory", "synthetic", "acquired", "uncertainty"):
            node = getattr(result, role)
            if node is not None:
                self.volumes[role] = node
        if UNCERTAINTY in self.volumes:
            colour = yield from comparison.uncertainty_colours(self.scene, self.volumes[UNCERTAINTY])
            colour()
            comparison.show_legend(self.volumes[UNCERTAINTY], False)
        self.outlines(True)
        self.window(WIDTH_HU, LEVEL_HU)

    def clear(self) -> None:
        """Removes the exam."""
        for node in (*self.volumes.values(), self.kidneys, self._line):
            if node is not None:
                remove_node(self.scene, node)
        self.volumes, self.kidneys, self._line, self.summary, self._pairs = {}, None, None, {}, {}

    def compare(self, kind: str, pair: tuple[str, str]) -> Steps[None]:
        """Makes the volume of a checkerboard or a difference of two phases, unless it is there already.

        Args:
            kind: `CHECKERBOARD` or `DIFFERENCE`.
            pair: The roles of both phases.
        """
        if self._pairs.get(kind) == pair:
            return
        first, second = (self.volumes[role] for role in pair)
        before = self.volumes.get(kind)
        if kind == CHECKERBOARD:
            change = yield from comparison.checkerboard(self.scene, first, second, _TILES, "Checkerboard", before)
        else:
            region = self.summary["synthesis"]
            box = (tuple(region["region_start"]), tuple(region["region_size"]))
            change = yield from comparison.difference(self.scene, first, second, "Difference", before, box)
        self.volumes[kind] = change()
        comparison.show_legend(self.volumes[kind], False)
        self._pairs[kind] = pair

    def show(self, cells: Mapping[str, Cell]) -> None:
        """Shows cells in the slice views of these names, which are linked."""
        for linked in (False, True):  # a linked view would pass its volumes on
            for view in cells:
                node = composite(self.scene, view)
                node.SetLinkedControl(linked)
                node.SetHotLinkedControl(linked)
            for view, cell in () if linked else cells.items():
                show(self.scene, [view], self.volumes[cell.background], self.volumes.get(cell.foreground), cell.opacity)

    def legend(self, cell: Cell) -> Legend | None:
        """Returns the legend of the colours in a cell; None where it is grey."""
        if cell.foreground not in _COLOURS:
            return None
        title, anchors = _COLOURS[cell.foreground]
        shown = self.volumes[cell.foreground].GetDisplayNode()
        colours = tuple(f"rgb{anchor}" for anchor in anchors)
        return Legend(title, round(shown.GetWindowLevelMin()), round(shown.GetWindowLevelMax()), colours)

    def window(self, width: float, level: float) -> None:
        """Shows all volumes in HU in one window."""
        for role, node in self.volumes.items():
            if role in PHASES or role == CHECKERBOARD:
                display.set_window(node, width, level)

    def outlines(self, on: bool) -> None:
        """Shows or hides the outlines of the kidneys in the slice views, without a fill, which some drivers blacken."""
        display.show_outlines(self.kidneys, on, fill=False)

    def surfaces(self) -> None:
        """Shows the surfaces of the kidneys in the 3D view."""
        if not display.has_surfaces(self.kidneys):
            display.show_surfaces(self.kidneys, True)

    def render(self, logic: Any, on: bool) -> None:
        """Shows or hides the synthetic phase in the 3D view.

        Args:
            logic: The logic of volume rendering.
            on: Whether to show it.
        """
        volume_rendering.render(logic, self.volumes["synthetic"], on)

    def centre(self) -> tuple[float, float, float]:
        """The point, RAS mm, that the views show: at the height and depth of both kidneys, inside the first of them."""
        points = self._kidney_centres()
        _, anterior, superior = (sum(values) / len(points) for values in zip(*points, strict=True))
        return points[0][0], anterior, superior

    def line(self, on: bool) -> Any:
        """Shows or hides the line of the profile, and returns its node. It begins across both kidneys."""
        if self._line is None:
            points = self._kidney_centres()
            x, y, z = points[0]
            far = points[1][0] if len(points) > 1 else x - _ALONE_MM
            self._line = self.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Profile")
            self._line.CreateDefaultDisplayNodes()
            for right in (x, far):
                self._line.AddControlPointWorld(right, y, z)
        self._line.SetDisplayVisibility(on)
        return self._line

    def profile(self) -> tuple[list[float], dict[str, list[float]]]:
        """Returns distances in mm along the line, and the HU of each phase there by its role.

        Raises:
            UsageError: If the line is shorter than 1 mm.
        """
        phases = {role: self.volumes[role] for role in PHASES if role in self.volumes}
        return plots.hu_along(self.line(True), phases)

    def _kidney_centres(self) -> list[tuple[float, float, float]]:
        found = (display.kidney_centre(self.kidneys, side) for side in ("right", "left"))
        return [point for point in found if point is not None]
