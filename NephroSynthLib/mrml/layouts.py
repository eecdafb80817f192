"""Layouts that show several volumes: side by side, two by two, three planes each, and with plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import slicer

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.views import layout_node, link_slices, look, show, sight, slice_nodes

PLANES = ("Axial", "Coronal", "Sagittal")
PLOT_VIEW = "NephroSynthPlot"
_COLOURS = ("#F34A33", "#6EB04B", "#EDD54C", "#5F9FD8")
_GROUP = 71  # these views have their own group, so that linking does not affect Slicer's own views
_BEFORE = "NephroSynth.LayoutBefore"


@dataclass(frozen=True)
class Layout:
    """A layout of slice views.

    Attributes:
        id: The number in Slicer's layout node.
        cells: The names of the slice views for each volume.
        xml: The description for Slicer's layout manager.
    """

    id: int
    cells: tuple[tuple[str, ...], ...]
    xml: str

    @property
    def views(self) -> tuple[str, ...]:
        """The names of all slice views."""
        return tuple(view for cell in self.cells for view in cell)


def view_name(cell: int, plane: str) -> str:
    """The name of the slice view for a plane of the volume in a cell. Cells count from 0."""
    return f"NephroSynth{cell + 1}{plane}"


def register_layouts(scene: slicer.vtkMRMLScene) -> None:
    """Adds the layouts to the scene's layout node, unless it has them.

    Raises:
        UsageError: If the scene has no layout node.
    """
    node = layout_node(scene)
    for layout in LAYOUTS.values():
        if not node.IsLayoutDescription(layout.id):
            node.AddLayoutDescription(layout.id, layout.xml)


def show_layout(
    scene: slicer.vtkMRMLScene, name: str, volumes: Sequence[slicer.vtkMRMLScalarVolumeNode | None]
) -> bool:
    """Shows volumes in a layout with linked views. New views keep the position of the old views.

    Args:
        scene: The scene.
        name: A key of `LAYOUTS`.
        volumes: One volume for each cell. A cell without a volume, or with None, stays empty.

    Returns:
        Whether the layout changed.

    Raises:
        UsageError: If there is no layout of that name.
    """
    if name not in LAYOUTS:
        raise UsageError(
            _("There is no layout '{name}'. The layouts are {names}.").format(name=name, names=", ".join(LAYOUTS))
        )
    layout = LAYOUTS[name]
    register_layouts(scene)
    node = layout_node(scene)
    if node.GetViewArrangement() not in {one.id for one in LAYOUTS.values()}:
        node.SetAttribute(_BEFORE, str(node.GetViewArrangement()))
    changed = node.GetViewArrangement() != layout.id
    _arrange(scene, node, layout.id)
    link_slices(scene, False)
    for index, views in enumerate(layout.cells):
        show(scene, views, volumes[index] if index < len(volumes) else None)
    link_slices(scene, True)
    return changed


def restore_layout(scene: slicer.vtkMRMLScene) -> None:
    """Returns to the layout that Slicer showed before the first of these layouts, or to Slicer's usual layout.

    A scene that was closed in one of these layouts does not store the previous layout.
    """
    node = layout_node(scene)
    if node.GetViewArrangement() in {one.id for one in LAYOUTS.values()}:
        before = node.GetAttribute(_BEFORE)
        _arrange(scene, node, int(before) if before else node.SlicerLayoutFourUpView)
    if node.GetAttribute(_BEFORE) is not None:
        node.RemoveAttribute(_BEFORE)


def _arrange(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLLayoutNode, arrangement: int) -> None:
    """Changes the layout. New views take the position and zoom of the first old view."""
    before = slice_nodes(scene)
    node.SetViewArrangement(arrangement)
    for view in slice_nodes(scene):
        if before and view not in before:
            look(view, sight(before[0]))


def _slice_view(cell: int, plane: str) -> str:
    properties = {
        "orientation": plane,
        "viewlabel": f"{cell + 1}{plane[0]}" if plane != "Axial" else str(cell + 1),
        "viewcolor": _COLOURS[cell],
        "viewgroup": str(_GROUP),
    }
    inner = "".join(f'<property name="{key}" action="default">{value}</property>' for key, value in properties.items())
    return f'<view class="vtkMRMLSliceNode" singletontag="{view_name(cell, plane)}">{inner}</view>'


def _plot_view() -> str:
    return (
        f'<view class="vtkMRMLPlotViewNode" singletontag="{PLOT_VIEW}">'
        '<property name="viewlabel" action="default">P</property></view>'
    )


def _box(kind: str, *items: str) -> str:
    return f'<layout type="{kind}" split="true">' + "".join(f"<item>{item}</item>" for item in items) + "</layout>"


def _axial(cells: int) -> tuple[tuple[str, ...], ...]:
    return tuple((view_name(cell, "Axial"),) for cell in range(cells))


def _row(*cells: int) -> str:
    return _box("horizontal", *(_slice_view(cell, "Axial") for cell in cells))


def _three_planes() -> str:
    rows = (_box("horizontal", *(_slice_view(cell, plane) for plane in PLANES)) for cell in range(2))
    return _box("vertical", *rows)


LAYOUTS = {
    "side-by-side": Layout(7101, _axial(2), _row(0, 1)),
    "two-by-two": Layout(7102, _axial(4), _box("vertical", _row(0, 1), _row(2, 3))),
    "three-planes": Layout(
        7103,
        tuple(tuple(view_name(cell, plane) for plane in PLANES) for cell in range(2)),
        _three_planes(),
    ),
    "plots": Layout(7104, _axial(2), _box("vertical", _row(0, 1), _plot_view())),
}
