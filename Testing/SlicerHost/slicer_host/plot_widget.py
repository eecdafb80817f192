"""qMRMLPlotWidget and qMRMLPlotView (Slicer/Libs/MRML/Widgets/qMRMLPlotWidget.h, qMRMLPlotView.h)."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtWidgets import QWidget

from slicer_host.observers import Observers
from slicer_host.view_canvas import ViewCanvas
from slicer_host.view_widget import ViewWidget


class qMRMLPlotView(ViewCanvas):
    """Draws the plot chart that a plot view node shows, with VTK's charts as Slicer does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chart = vtk.vtkChartXY()
        self._context = vtk.vtkContextView()
        self._context.SetRenderWindow(self._window)
        self._context.GetScene().AddItem(self._chart)
        self._node: Any = None
        self._observers = Observers(self)

    def _show_node(self, node: Any) -> None:
        self._node = node
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._schedule_update)
        self._schedule_update()

    def _schedule_update(self, *_: object) -> None:
        self._stale = True
        self._schedule()

    _stale = True

    def _before_render(self) -> None:
        if self._stale and self._node is not None:
            self._stale = False
            self._draw()

    def _draw(self) -> None:
        self._observers.clear()
        chart_node = self._node.GetPlotChartNode()
        self._chart.ClearPlots()
        self._chart.SetVisible(chart_node is not None)
        self._context.GetRenderer().SetBackground(1.0, 1.0, 1.0)
        watched = [chart_node] if chart_node is not None else []
        for index in range(chart_node.GetNumberOfPlotSeriesNodes() if chart_node is not None else 0):
            series = chart_node.GetNthPlotSeriesNode(index)
            table_node = series.GetTableNode() if series is not None else None
            if table_node is not None:
                _add_plot(self._chart, series, table_node.GetTable())
                watched += [series, table_node]
        if chart_node is not None:
            _apply_titles(self._chart, chart_node)
            self._chart.RecalculateBounds()
            _apply_ranges(self._chart, chart_node)
        for node in watched:
            self._observers.add(node, "ModifiedEvent", self._schedule_update)

    def chart(self) -> Any:
        return self._chart


def _add_plot(chart: Any, series: Any, table: Any) -> None:
    y_name = series.GetYColumnName()
    if not y_name or table.GetColumnByName(y_name) is None:
        return
    if series.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeScatterBar:
        plot = chart.AddPlot(vtk.vtkChart.BAR)
    elif series.GetLineStyle() != slicer.vtkMRMLPlotSeriesNode.LineStyleNone:
        plot = chart.AddPlot(vtk.vtkChart.LINE)
    else:
        plot = chart.AddPlot(vtk.vtkChart.POINTS)
    x_name = series.GetXColumnName()
    if x_name and series.IsXColumnRequired():
        plot.SetInputData(table, x_name, y_name)
    else:
        plot.SetInputData(table, y_name, y_name)
        plot.SetUseIndexForXSeries(True)
    color = [round(255 * channel) for channel in series.GetColor()]
    plot.SetColor(*color, round(255 * series.GetOpacity()))
    plot.SetWidth(series.GetLineWidth())
    if hasattr(plot, "SetMarkerStyle"):
        plot.SetMarkerStyle(series.GetMarkerStyle())
        plot.SetMarkerSize(series.GetMarkerSize())
        plot.GetPen().SetLineType(series.GetLineStyle())
    plot.SetLabel(series.GetName())


def _apply_titles(chart: Any, node: Any) -> None:
    chart.SetTitle(node.GetTitle() or "" if node.GetTitleVisibility() else "")
    chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
    chart.SetShowLegend(bool(node.GetLegendVisibility()))
    chart.GetLegend().SetLabelSize(node.GetLegendFontSize())
    for position, title, visible in (
        (vtk.vtkAxis.BOTTOM, node.GetXAxisTitle(), node.GetXAxisTitleVisibility()),
        (vtk.vtkAxis.LEFT, node.GetYAxisTitle(), node.GetYAxisTitleVisibility()),
    ):
        axis = chart.GetAxis(position)
        axis.SetTitle(title or "" if visible else "")
        axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
        axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())
        axis.SetGridVisible(bool(node.GetGridVisibility()))


def _apply_ranges(chart: Any, node: Any) -> None:
    ranges = (
        (vtk.vtkAxis.BOTTOM, node.GetXAxisRangeAuto(), node.GetXAxisRange()),
        (vtk.vtkAxis.LEFT, node.GetYAxisRangeAuto(), node.GetYAxisRange()),
    )
    for position, automatic, limits in ranges:
        axis = chart.GetAxis(position)
        if automatic:
            axis.SetBehavior(vtk.vtkAxis.AUTO)
        else:
            axis.SetBehavior(vtk.vtkAxis.FIXED)
            axis.SetRange(*limits)


class qMRMLPlotWidget(ViewWidget):
    """A plot view under its controller bar."""

    _view_class = qMRMLPlotView

    def plotView(self) -> qMRMLPlotView:
        return self._view
