"""Tables and plots hold the figures they should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import NoKidneyError, UsageError
from NephroSynthLib.mrml.plots import histogram, line_profile, show_chart
from NephroSynthLib.mrml.segmentation_nodes import segmentation_from_labels
from NephroSynthLib.mrml.tables import kidney_hu_table, metrics_table, registration_table
from NephroSynthLib.mrml.volume_nodes import node_from_image

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture
def volumes(scene: Scene, ct: sitk.Image, synthetic: sitk.Image) -> dict[str, Node]:
    return {"Synthetic": node_from_image(scene, synthetic, "s"), "Acquired": node_from_image(scene, ct, "a")}


@pytest.fixture
def segmentation(scene: Scene, kidneys: sitk.Image) -> Node:
    return segmentation_from_labels(scene, kidneys, "kidneys", None)


def _columns(node: Node) -> dict[str, list[Any]]:
    table = node.GetTable()
    arrays = [table.GetColumn(index) for index in range(table.GetNumberOfColumns())]
    return {one.GetName(): [one.GetValue(row) for row in range(one.GetNumberOfValues())] for one in arrays}


def test_the_metrics_of_a_run(scene: Scene, summary: dict[str, Any]) -> None:
    columns = _columns(metrics_table(scene, summary, "metrics"))
    around = dict(zip(columns["Figure"], columns["Around kidneys, window"], strict=True))
    assert around["PSNR (dB)"] == "26.3"
    assert around["Bias (HU)"] == "−1.2"
    assert around["Fréchet distance"] == "0.040"
    inside = dict(zip(columns["Figure"], columns["Inside kidneys, window"], strict=True))
    assert inside["MS-SSIM"] == "–"
    assert inside["Dice, right kidney"] == "0.950"
    with pytest.raises(UsageError, match="no acquired"):
        metrics_table(scene, {**summary, "metrics": None}, "metrics")


def test_the_registration_of_a_run_with_one_kidney(scene: Scene, summary: dict[str, Any]) -> None:
    columns = _columns(registration_table(scene, summary, "registration"))
    by_figure = {title: dict(zip(columns["Figure"], column, strict=True)) for title, column in columns.items()}
    assert by_figure["Right"]["Dice after"] == "0.94"
    assert by_figure["Right"]["to left, back, up"] == "1.5, −0.5, 11.0"
    assert by_figure["Left"]["Shift (mm)"] == "–"
    assert by_figure["Both"]["SSIM after"] == "0.67"
    assert by_figure["Both"]["SSIM after affine"] == "–"


def test_a_figure_that_does_not_concern_a_column_leaves_it_blank(scene: Scene, summary: dict[str, Any]) -> None:
    columns = _columns(registration_table(scene, summary, "registration"))
    rows = list(zip(columns["Right"], columns["Left"], columns["Both"], strict=True))
    assert all((right == "" and left == "") != (both == "") for right, left, both in rows)


def test_hu_of_each_kidney_in_each_phase(
    scene: Scene, volumes: dict[str, Node], segmentation: Node, ct: sitk.Image, kidneys: sitk.Image
) -> None:
    node = kidney_hu_table(scene, volumes, segmentation, "HU")
    columns = _columns(node)
    assert list(zip(columns["Kidney"], columns["Phase"], strict=True)) == [
        ("Right", "Synthetic"), ("Right", "Acquired"), ("Left", "Synthetic"), ("Left", "Acquired")
    ]  # fmt: skip
    right = sitk.GetArrayFromImage(ct)[sitk.GetArrayFromImage(kidneys) == 1]
    assert columns["Mean"][1] == pytest.approx(right.mean(), abs=0.06)
    assert columns["SD"][1] == pytest.approx(right.std(), abs=0.06)
    assert columns["Mean"][0] == pytest.approx(right.mean() + 120, abs=0.06)
    assert columns["Median"][0] == pytest.approx(np.median(right) + 120, abs=0.06)
    assert node.GetColumnUnitLabel("Mean") == "HU"
    assert kidney_hu_table(scene, {"Acquired": volumes["Acquired"]}, segmentation, "HU", node) is node
    assert len(_columns(node)["Mean"]) == 2


def test_no_kidneys_no_table(scene: Scene, volumes: dict[str, Node]) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    nodes = scene.GetNumberOfNodes()
    with pytest.raises(NoKidneyError):
        kidney_hu_table(scene, volumes, empty, "HU")
    with pytest.raises(UsageError):
        kidney_hu_table(scene, {}, empty, "HU")
    assert scene.GetNumberOfNodes() == nodes


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


def test_a_profile_follows_the_line(scene: Scene, ramp: Node, volumes: dict[str, Node]) -> None:
    line = _line(scene, (-10.0, 2.0, -8.0), (14.0, -3.0, 6.0))
    chart = line_profile(scene, line, {"Ramp": ramp, **volumes}, "profile")
    assert chart.GetNumberOfPlotSeriesNodes() == 3
    series = chart.GetNthPlotSeriesNode(0)
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("Distance", "Ramp")
    columns = _columns(series.GetTableNode())
    distance = np.array(columns["Distance"])
    length = np.linalg.norm((24, -5, 14))
    assert distance[0] == 0
    assert length - 1.0 < distance[-1] <= length
    right = -10 + 24 * distance / length
    superior = -8 + 14 * distance / length
    np.testing.assert_allclose(columns["Ramp"], 3 * -right - 2 * superior, atol=0.05)


def test_a_profile_ends_where_the_volume_ends(scene: Scene, ramp: Node) -> None:
    chart = line_profile(scene, _line(scene, (0.0, 0.0, 0.0), (400.0, 0.0, 0.0)), {"Ramp": ramp}, "profile")
    values = np.array(_columns(chart.GetNthPlotSeriesNode(0).GetTableNode())["Ramp"])
    assert np.isfinite(values[0])
    assert np.isnan(values[-1])


def test_a_profile_is_updated_in_place(scene: Scene, ramp: Node, volumes: dict[str, Node]) -> None:
    line = _line(scene, (-10.0, 2.0, -8.0), (14.0, -3.0, 6.0))
    chart = line_profile(scene, line, volumes, "profile")
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


def test_a_line_that_is_not_drawn_is_refused(scene: Scene, volumes: dict[str, Node]) -> None:
    with pytest.raises(UsageError, match="fewer than two"):
        line_profile(scene, _line(scene, (0.0, 0.0, 0.0)), volumes, "profile")
    with pytest.raises(UsageError, match="shorter"):
        line_profile(scene, _line(scene, (0.0, 0.0, 0.0), (0.1, 0.0, 0.0)), volumes, "profile")


def test_a_histogram_of_the_kidneys(scene: Scene, volumes: dict[str, Node], segmentation: Node) -> None:
    chart = histogram(scene, volumes, segmentation, "histogram")
    columns = _columns(chart.GetNthPlotSeriesNode(0).GetTableNode())
    hu = np.array(columns["HU"])
    for phase, low, high in (("Synthetic", 90, 200), ("Acquired", 0, 90)):
        share = np.array(columns[phase])
        assert share.sum() == pytest.approx(100, abs=0.01)
        assert share[(hu > low) & (hu < high)].sum() > 99
    colours = [chart.GetNthPlotSeriesNode(index).GetColor() for index in range(2)]
    assert colours[0] != colours[1]


def test_a_histogram_without_kidneys_counts_everything(scene: Scene, volumes: dict[str, Node]) -> None:
    columns = _columns(histogram(scene, volumes, None, "h").GetNthPlotSeriesNode(0).GetTableNode())
    assert sum(columns["Acquired"]) == pytest.approx(100)


def test_a_chart_is_shown_in_the_plot_views(scene: Scene, volumes: dict[str, Node]) -> None:
    view = scene.AddNewNodeByClass("vtkMRMLPlotViewNode", "plots")
    chart = histogram(scene, volumes, None, "h")
    show_chart(scene, chart)
    assert view.GetPlotChartNode() is chart
