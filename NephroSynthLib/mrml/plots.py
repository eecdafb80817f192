"""Charts for Slicer's plot view: HU along a line, and histograms, of several volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
import slicer
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.images import first_voxel_to_ras, voxels
from NephroSynthLib.mrml.kidney_hu import kidney_hu
from NephroSynthLib.mrml.tables import Column, fill_table
from NephroSynthLib.mrml.volume_nodes import in_world
from NephroSynthLib.session.steps import Change, Step, Steps, in_background

_LEAST_LENGTH_MM = 1.0
_MOST_SAMPLES = 2000
_HISTOGRAM_HU = (-150.0, 350.0)
_BIN_HU = 10.0
# The palette of Okabe and Ito for colour-blind readers (jfly.uni-koeln.de/color, 2008).
_COLOURS = ((0.0, 0.45, 0.70), (0.84, 0.37, 0.0), (0.0, 0.62, 0.45), (0.80, 0.47, 0.65), (0.34, 0.71, 0.91))
Volumes: TypeAlias = "Mapping[str, slicer.vtkMRMLScalarVolumeNode]"


def line_profile(
    scene: slicer.vtkMRMLScene,
    line_node: slicer.vtkMRMLMarkupsLineNode,
    volumes: Volumes,
    name: str,
    chart: slicer.vtkMRMLPlotChartNode | None = None,
) -> slicer.vtkMRMLPlotChartNode:
    """Plots the HU of volumes along a line, by linear interpolation.

    Args:
        scene: The scene that takes new nodes.
        line_node: A line with two points.
        volumes: The volumes, by their names in the legend.
        name: The title of the chart.
        chart: A chart to update, with its table, instead of making a new one.

    Returns:
        The chart.

    Raises:
        UsageError: If the line has fewer than two points or is shorter than 1 mm, or if no volume is given.
    """
    distance, curves = hu_along(line_node, volumes)
    columns: list[Column] = [(_("Distance"), "mm", distance)]
    columns += [(title, "HU", curve) for title, curve in curves.items()]
    return _chart(scene, columns, name, (_("Distance (mm)"), _("HU")), chart)


def hu_along(line_node: slicer.vtkMRMLMarkupsLineNode, volumes: Volumes) -> tuple[list[float], dict[str, list[float]]]:
    """Returns the distances in mm along a line, and the HU of each volume there, by linear interpolation.

    Args:
        line_node: A line with two points.
        volumes: The volumes by name.

    Raises:
        UsageError: If the line has fewer than two points or is shorter than 1 mm, or if no volume is given.
    """
    if line_node.GetNumberOfDefinedControlPoints() < 2:
        raise UsageError(
            _("The line '{name}' has fewer than two points.").format(name=line_node.GetName()), Action.DRAW_LINE
        )
    start, stop = (np.array(line_node.GetNthControlPointPositionWorld(index)) for index in (0, 1))
    length = float(np.linalg.norm(stop - start))
    if length < _LEAST_LENGTH_MM:
        raise UsageError(
            _("The line '{name}' is shorter than {least:g} mm.").format(
                name=line_node.GetName(), least=_LEAST_LENGTH_MM
            ),
            Action.DRAW_LINE,
        )
    if not volumes:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    finest = min(min(volume.GetSpacing()) for volume in volumes.values())
    distance = np.arange(0.0, length, max(finest / 2, length / _MOST_SAMPLES))
    points = start + distance[:, np.newaxis] * (stop - start) / length
    return distance.tolist(), {title: _along(volume, points) for title, volume in volumes.items()}


def histogram(
    scene: slicer.vtkMRMLScene,
    volumes: Volumes,
    segmentation: slicer.vtkMRMLSegmentationNode | None,
    name: str,
    chart: slicer.vtkMRMLPlotChartNode | None = None,
) -> Steps[Change[slicer.vtkMRMLPlotChartNode]]:
    """Plots the histograms of volumes from -150 to 350 HU, in percent per 10 HU.

    Args:
        scene: The scene that takes new nodes.
        volumes: The volumes, by their names in the legend.
        segmentation: The kidneys, whose voxels are counted. None counts all voxels in that range.
        name: The title of the chart.
        chart: A chart to update, with its table, instead of making a new one.

    Returns:
        A generator of steps whose value makes or updates the chart.

    Raises:
        UsageError: While stepping, if no volume is given.
        NoKidneyError: While stepping, if the segmentation has no kidney.
        GeometryError: While stepping, if the kidneys lie outside the first volume.
    """
    if not volumes:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    low, high = _HISTOGRAM_HU
    edges: NDArray[np.float64] = np.arange(low, high + _BIN_HU, _BIN_HU, dtype=np.float64)
    columns: list[Column] = [("HU", "HU", ((edges[:-1] + edges[1:]) / 2).tolist())]
    if segmentation is None:
        counts = yield from _counts(volumes, edges)
    else:
        found = yield from kidney_hu(volumes, segmentation)
        counts = {title: np.zeros(len(edges) - 1) for title in volumes}
        for (_side, title), values in found.items():
            counts[title] += np.histogram(values, edges)[0]
        for title in volumes:
            total = sum(values.size for (_side, phase), values in found.items() if phase == title)
            counts[title] *= 1 / max(1, total)
    columns += [(title, "%", (100 * shares).tolist()) for title, shares in counts.items()]
    return lambda: _chart(scene, columns, name, (_("HU"), _("Voxels (%)")), chart)


def _counts(volumes: Volumes, edges: NDArray[np.float64]) -> Steps[dict[str, NDArray[np.float64]]]:
    """The share of voxels in each bin, of all voxels in the bins. The slices are counted one by one in a thread."""
    placed = {title: in_world(volume)[0] for title, volume in volumes.items()}

    def work() -> dict[str, NDArray[np.float64]]:
        shares = {}
        for title, data in placed.items():
            counts = sum((np.histogram(plane, edges)[0] for plane in voxels(data)), np.zeros(len(edges) - 1))
            shares[title] = counts / max(1, counts.sum())
        return shares

    return (yield from in_background(work, Step(0.0, _("Counting voxels"))))


def show_chart(scene: slicer.vtkMRMLScene, chart: slicer.vtkMRMLPlotChartNode) -> None:
    """Shows a chart in all plot views."""
    views = scene.GetNodesByClass("vtkMRMLPlotViewNode")
    views.UnRegister(None)
    for index in range(views.GetNumberOfItems()):
        views.GetItemAsObject(index).SetPlotChartNodeID(chart.GetID())


def _along(volume: slicer.vtkMRMLScalarVolumeNode, points: NDArray[np.float64]) -> list[float]:
    """The HU at points (n, 3), RAS mm, by linear interpolation. NaN outside the volume."""
    data, matrix = in_world(volume)
    values = voxels(data)
    to_index = np.linalg.inv(first_voxel_to_ras(data, matrix))
    at = points @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(values.shape[::-1]) - 1
    inside = ((at >= -1e-6) & (at <= last + 1e-6)).all(axis=1)
    at = at.clip(0, last)
    low = np.minimum(at.astype(int), np.maximum(last - 1, 0))
    hu = np.zeros(len(points))
    for corner in product((0, 1), repeat=3):
        x, y, z = np.minimum(low + corner, last).T
        weight = np.where(corner, at - low, 1 - (at - low)).prod(axis=1)
        hu += weight * values[z, y, x]
    hu[~inside] = np.nan
    return hu.tolist()


def _chart(
    scene: slicer.vtkMRMLScene,
    columns: Sequence[Column],
    name: str,
    axes: tuple[str, str],
    chart: slicer.vtkMRMLPlotChartNode | None,
) -> slicer.vtkMRMLPlotChartNode:
    """Makes a chart that plots each column against the first one."""
    table = None
    if chart is None:
        chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName(name))
    else:
        chart.SetName(name)
        table = _remove_series(scene, chart)
    table = fill_table(scene, columns, _("{name} table").format(name=name), table)
    for index, title in enumerate(column[0] for column in columns[1:]):
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", title)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(columns[0][0])
        series.SetYColumnName(title)
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
        series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)
        series.SetLineWidth(2)
        series.SetColor(*_COLOURS[index % len(_COLOURS)])
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(name)
    chart.SetXAxisTitle(axes[0])
    chart.SetYAxisTitle(axes[1])
    chart.SetLegendVisibility(True)
    return chart


def _remove_series(scene: slicer.vtkMRMLScene, chart: slicer.vtkMRMLPlotChartNode) -> slicer.vtkMRMLTableNode | None:
    """Removes the series of a chart, and returns their table."""
    listed = (chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes()))
    series = [one for one in listed if one is not None]
    tables = [one.GetTableNode() for one in series]
    chart.RemoveAllPlotSeriesNodeIDs()
    for one in series:
        scene.RemoveNode(one)
    return tables[0] if tables else None
