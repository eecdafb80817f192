"""Plots show the right figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.plots import histogram, line_profile, show_chart
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene


Node = slicer.vtkMRMLNode
Columns = Callable[[Node], dict[str, list[Any]]]


@pytest.fixture
def ramp(scene: Scene, ct: sitk.Image) -> Node:
    """HU that rise by 3 with each mm to the patient's left, and fall by 2 with each mm upwards."""
    grid = sitk.PhysicalPointSource(
        sitk.sitkVectorFloat64, ct.GetSize(), ct.GetOrigin(), ct.GetSpacing(), ct.GetDirection()
    )
    left, superior = (sitk.VectorIndexSelectionCast(grid, axis) for axis in (0, 2))
    return node_from_image(scene, sitk.Cast(3 * left - 2 * superior, sitk.sitkFloat32), "ramp")


def _line(scene: Scene, *points_ras: tuple[float, float, float]) -> Node:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "line")
    for point in points_ras:
        node.AddControlPoint(point)
    return node


def test_a_profile_follows_the_line(scene: Scene, ramp: Node, compared: dict[str, Node], columns_of: Columns) -> None:
    line = _line(scene, (-10.0, 2.0, -8.0), (14.0, -3.0, 6.0))
    chart = line_profile(scene, line, {"Ramp": ramp, **compared}, "profile")
    assert chart.GetNumberOfPlotSeriesNodes() == 3
    series = chart.GetNthPlotSeriesNode(0)
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("Distance", "Ramp")
    columns = columns_of(series.GetTableNode())
    distance = np.array(columns["Distance"])
    length = np.linalg.norm((24, -5, 14))
    assert distance[0] == 0
    assert length - 1.0 < distance[-1] <= length
    right = -10 + 24 * distance / length
    superior = -8 + 14 * distance / length
    np.testing.assert_allclose(columns["Ramp"], 3 * -right - 2 * superior, atol=0.05)


def test_a_profile_ends_where_the_volume_ends(scene: Scene, ramp: Node, columns_of: Columns) -> None:
    chart = line_profile(scene, _line(scene, (0.0, 0.0, 0.0), (400.0, 0.0, 0.0)), {"Ramp": ramp}, "profile")
    values = np.array(columns_of(chart.GetNthPlotSeriesNode(0).GetTableNode())["Ramp"])
    assert np.isfinite(values[0])
    assert np.isnan(values[-1])


def test_a_profile_is_updated_in_place(scene: Scene, ramp: Node, compared: dict[str, Node]) -> None:
    line = _line(scene, (-10.0, 2.0, -8.0), (14.0, -3.0, 6.0))
    chart = line_profile(scene, line, compared, "profile")
    nodes = scene.GetNumberOfNodes()
    assert line_profile(scene, line, {"Ramp": ramp, "Other": ramp}, "profile", chart) is chart
    assert scene.GetNumberOfNodes() == nodes
    assert [chart.GetNthPlotSeriesNode(index).GetYColumnName() for index in range(2)] == ["Ramp", "Other"]


def test_a_chart_whose_table_or_series_was_deleted_is_filled_again(scene: Scene, ramp: Node) -> None:
    line = _line(scene, (-10.0, 2.0, -8.0), (14.0, -3.0, 6.0))
    chart = line_profile(scene, line, {"Ramp": ramp}, "profile")
    scene.RemoveNode(chart.GetNthPlotSeriesNode(0).GetTableNode())
    line_profile(scene, line, {"Ramp": ramp}, "profile", chart)
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() > 10
    scene.RemoveNode(chart.GetNthPlotSeriesNode(0))
    line_profile(scene, line, {"Ramp": ramp}, "profile", chart)
    assert chart.GetNumberOfPlotSeriesNodes() == 1
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() > 10


def test_a_line_that_is_not_drawn_is_refused(scene: Scene, compared: dict[str, Node]) -> None:
    with pytest.raises(UsageError, match="fewer than two"):
        line_profile(scene, _line(scene, (0.0, 0.0, 0.0)), compared, "profile")
    with pytest.raises(UsageError, match="shorter"):
        line_profile(scene, _line(scene, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0)), compared, "profile")


def test_a_histogram_of_the_kidneys(
    scene: Scene, compared: dict[str, Node], segmentation: Node, columns_of: Columns
) -> None:
    chart = finish(histogram(scene, compared, segmentation, "histogram"))()
    columns = columns_of(chart.GetNthPlotSeriesNode(0).GetTableNode())
    hu = np.array(columns["HU"])
    for phase, low, high in (("Synthetic", 90, 200), ("Acquired", 0, 90)):
        share = np.array(columns[phase])
        assert share.sum() == pytest.approx(100, abs=0.01)
        assert share[(hu > low) & (hu < high)].sum() > 99
    colours = [chart.GetNthPlotSeriesNode(index).GetColor() for index in range(2)]
    assert colours[0] != colours[1]


def test_a_histogram_without_kidneys_counts_everything(
    scene: Scene, compared: dict[str, Node], columns_of: Columns
) -> None:
    columns = columns_of(finish(histogram(scene, compared, None, "h"))().GetNthPlotSeriesNode(0).GetTableNode())
    assert sum(columns["Acquired"]) == pytest.approx(100)


def test_a_chart_is_shown_in_the_plot_views(scene: Scene, compared: dict[str, Node]) -> None:
    view = scene.AddNewNodeByClass("vtkMRMLPlotViewNode", "plots")
    chart = finish(histogram(scene, compared, None, "h"))()
    show_chart(scene, chart)
    assert view.GetPlotChartNode() is chart
