"""The classes of CTK and of Slicer that the host offers to Python code and to .ui files."""

from __future__ import annotations

from slicer_host.ctk_collapsible import ctkCollapsibleButton
from slicer_host.ctk_inputs import ctkMessageBox, ctkPathLineEdit, ctkSliderWidget
from slicer_host.dicom import ctkDICOMDatabase
from slicer_host.mrml_widget import qMRMLWidget
from slicer_host.node_combo_box import qMRMLNodeComboBox
from slicer_host.plot_widget import qMRMLPlotView, qMRMLPlotWidget
from slicer_host.slice_view import qMRMLSliceView
from slicer_host.slice_widget import qMRMLSliceControllerWidget, qMRMLSliceWidget
from slicer_host.table_view import qMRMLTableView, qMRMLTableWidget
from slicer_host.threed_widget import qMRMLThreeDView, qMRMLThreeDWidget

CTK = (
    ctkCollapsibleButton,
    ctkDICOMDatabase,
    ctkMessageBox,
    ctkPathLineEdit,
    ctkSliderWidget,
)
SLICER = (
    qMRMLNodeComboBox,
    qMRMLPlotView,
    qMRMLPlotWidget,
    qMRMLSliceControllerWidget,
    qMRMLSliceView,
    qMRMLSliceWidget,
    qMRMLTableView,
    qMRMLTableWidget,
    qMRMLThreeDView,
    qMRMLThreeDWidget,
    qMRMLWidget,
)
