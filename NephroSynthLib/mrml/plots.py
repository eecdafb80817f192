"""Charts for Slicer's plot view: HU along a line, and histograms, of several volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk
import slicer
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.tables import Column, fill_table, kidney_hu
from NephroSynthLib.mrml.volume_nodes import image_from_node

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
    if line_node.GetNumberOfDefinedControlPoints() < 2:
        raise UsageError(
            _("The line '{name}' has fewer than two points.").format(name=line_node.GetName()), Action.DRAW_LINE
        )
    start, stop = (np.array(line_node.GetNthControlPointPositionWorld(index)) * (-1, -1, 1) for index in (0, 1))
    length = float(np.linalg.norm(stop - start))
    if length < _LEAST_LENGTH_MM:
        raise UsageError(
            _("The line '{name}' is shorter than {least:g} mm.").format(
                name=line_node.GetName(), least=_LEAST_LENGTH_MM
            ),
            Action.DRAW_LINE,
        )
    images = {title: image_from_node(volume) for title, volume in volumes.items()}
    if not images:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    step = max(min(min(image.GetSpacing()) for image in images.values()) / 2, length / _MOST_SAMPLES)
    line = _line(start, stop, step)
    distance = np.arange(line.GetSize()[0]) * step
    columns: list[Column] = [(_("Distance"), "mm", distance.tolist())]
    columns += [(title, "HU", _along(image, line)) for title, image in images.items()]
    return _chart(scene, columns, name, (_("Distance (mm)"), _("HU")), chart)


def histogram(
    scene: slicer.vtkMRMLScene,
    volumes: Volumes,
    segmentation: slicer.vtkMRMLSegmentationNode | None,
    name: str,
    chart: slicer.vtkMRMLPlotChartNode | None = None,
) -> slicer.vtkMRMLPlotChartNode:
    """Plots the histograms of volumes from -150 to 350 HU, in percent per 10 HU.

    Args:
        scene: The scene that takes new nodes.
        volumes: The volumes, by their names in the legend.
        segmentation: The kidneys, whose voxels are counted. None counts all voxels in that range.
        name: The title of the chart.
        chart: A chart to update, with its table, instead of making a new one.

    Returns:
        The chart.

    Raises:
        UsageError: If no volume is given.
        NoKidneyError: If the segmentation has no kidney.
        GeometryError: If the kidneys lie outside the first volume.
    """
    if not volumes:
        raise UsageError(_("No volume is given."), Action.CHOOSE_VOLUME)
    low, high = _HISTOGRAM_HU
    edges = np.arange(low, high + _BIN_HU, _BIN_HU)
    columns: list[Column] = [("HU", "HU", ((edges[:-1] + edges[1:]) / 2).tolist())]
    for title, values in _values(volumes, segmentation).items():
        counts = np.histogram(values, edges)[0]
        total = values.size if segmentation is not None else max(1, int(counts.sum()))
        columns.append((title, "%", (100 * counts / max(1, total)).tolist()))
    return _chart(scene, columns, name, (_("HU"), _("Voxels (%)")), chart)


def show_chart(scene: slicer.vtkMRMLScene, chart: slicer.vtkMRMLPlotChartNode) -> None:
    """Shows a chart in all plot views."""
    views = scene.GetNodesByClass("vtkMRMLPlotViewNode")
    views.UnRegister(None)
    for index in range(views.GetNumberOfItems()):
        views.GetItemAsObject(index).SetPlotChartNodeID(chart.GetID())


def _values(volumes: Volumes, segmentation: slicer.vtkMRMLSegmentationNode | None) -> dict[str, NDArray[Any]]:
    if segmentation is None:
        return {title: sitk.GetArrayFromImage(image_from_node(volume)).ravel() for title, volume in volumes.items()}
    found = kidney_hu(volumes, segmentation)
    return {
        title: np.concatenate(
            [values for (_, phase), values in found.items() if phase == title] or [np.zeros(0, np.float32)]
        )
        for title in volumes
    }


def _line(start: NDArray[np.float64], stop: NDArray[np.float64], step: float) -> sitk.Image:
    """Makes an image of one row along a line, LPS mm."""
    axis = (stop - start) / np.linalg.norm(stop - start)
    across = np.linalg.svd(axis[np.newaxis])[2][1:]
    row = sitk.Image(int(np.linalg.norm(stop - start) / step) + 1, 1, 1, sitk.sitkUInt8)
    row.SetOrigin(start.tolist())
    row.SetSpacing((step, step, step))
    row.SetDirection(np.column_stack([axis, *across]).ravel().tolist())
    return row


def _along(image: sitk.Image, line: sitk.Image) -> list[float]:
    """The HU at each voxel of the line. NaN outside the image."""
    values = sitk.Resample(sitk.Cast(image, sitk.sitkFloat32), line, sitk.Transform(), sitk.sitkLinear, 2 * AIR_HU)
    hu = sitk.GetArrayFromImage(values).ravel().astype(float)
    hu[hu <= 1.5 * AIR_HU] = np.nan
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
