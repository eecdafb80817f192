"""The page: bar, list of exams, views and side panel, as widgets that are bound to the state of the viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from NephroSynthLib.web.cells import MARK, ONE, SIDE_BY_SIDE, THREE_PLANES
from NephroSynthLib.web.page_parts import TIGHT, button
from NephroSynthLib.web.side_panel import build_side_panel

_FOLDER = Path(__file__).parent
_LAYOUTS = (
    (SIDE_BY_SIDE, "mdi-view-grid-outline", "Phases side by side"),
    (THREE_PLANES, "mdi-cube-scan", "Three planes and 3D"),
    (ONE, "mdi-square-outline", "One view"),
)
_STATES = {
    "passed": ("mdi-check-circle", "#35b3a3"),
    "missed": ("mdi-alert", "#f0b84a"),
    "failed": ("mdi-close-circle", "#ef6461"),
    "unknown": ("mdi-help-circle", "#aeb6c1"),
}
_ICONS = "({" + ", ".join(f"{name}: '{icon}'" for name, (icon, _) in _STATES.items()) + "})"
_TINTS = "({" + ", ".join(f"{name}: '{colour}'" for name, (_, colour) in _STATES.items()) + "})"
_HELP = (
    ("mouse wheel, ↑ ↓, one finger", "through the slices"),
    ("+ −, right button, two fingers", "zoom; 0 resets"),
    ("left button", "window: across the width, up and down the level"),
    ("middle button", "move the picture"),
    ("v", "next layout"),
    ("a c s", "axial, coronal, sagittal"),
    ("f x d u", "flicker, checkerboard, difference, uncertainty"),
    ("o", "kidney outlines"),
    ("n p", "next, previous exam"),
    ("1 … 5", "rate the exam"),
)


def build_page(server: Any, title: str, views: Callable[[Any], None], several: bool, pages: Sequence[str]) -> Any:
    """Builds the page.

    Args:
        server: The trame server, whose state the widgets show.
        title: The name of the folder.
        views: Puts the grid of views into the page.
        several: Whether there is a list of exams.
        pages: The other pages that the bar links to: 'cohort', 'study'.
    """
    with VAppLayout(server, template_name="main") as layout:
        layout.root.theme = "dark"
        client.Style((_FOLDER / "page.css").read_text(encoding="utf-8"))
        client.Script((_FOLDER / "controls.js").read_text(encoding="utf-8"))
        _bar(title, several, pages)
        if several:
            _exam_list()
        build_side_panel()
        with v3.VMain(), html.Div(classes="views"):
            views(layout)
            with html.Div(v_if=("message",), classes="message", role="status"):
                html.Div("{{ message }}")
        _help()
    return layout


def view_overlay(server: Any, view: str, with_slider: bool) -> None:
    """Builds the layer over a view: its title, the mark of a synthetic picture, and the slider of its slices."""
    with html.Div(classes="cell"):
        with html.Div(classes="cell-title"):
            html.Span(f"{{{{ {view}_title }}}}")
            html.Div(MARK, v_if=(f"{view}_mark",), classes="cell-mark")
        if with_slider:
            with html.Div(v_if=(f"{view}_legend",), classes="cell-legend"):
                html.Div(f"{{{{ {view}_legend.title }}}}")
                html.Div(
                    classes="cell-colours",
                    style=(f"{{background: `linear-gradient(to right, ${{{view}_legend.colours.join(', ')}})`}}",),
                )
                with html.Div(classes="cell-ends"):
                    html.Span(f"{{{{ {view}_legend.low }}}}")
                    html.Span(f"{{{{ ({view}_legend.low + {view}_legend.high) / 2 }}}}")
                    html.Span(f"{{{{ {view}_legend.high }}}}")
            with html.Div(classes="cell-bar"):
                v3.VSlider(
                    v_model=(f"{view}_mm", 0),
                    min=(f"{view}_low", 0),
                    max=(f"{view}_high", 1),
                    step=(f"{view}_step", 1),
                    name="Slice",
                    color="#aeb6c1",
                    **TIGHT,
                )
                html.Span(f"{{{{ Number({view}_mm).toFixed(1) }}}} mm", classes="cell-mm")


def _bar(title: str, several: bool, pages: Sequence[str]) -> None:
    with v3.VAppBar(density="compact", color="#171a1f"):
        if several:
            v3.VAppBarNavIcon(click="show_list = !show_list", title="List of exams", id="list-button")
            button("mdi-chevron-left", "Previous exam (p)", "trigger('command', ['step', -1])", id="previous")
            button("mdi-chevron-right", "Next exam (n)", "trigger('command', ['step', 1])", id="next")
        v3.VIcon(f"{{{{ {_ICONS}[exam_state] }}}}", color=(f"{_TINTS}[exam_state]",), classes="ml-3", size="small")
        v3.VToolbarTitle("{{ exam_name }}", classes="ml-2", title=title)
        v3.VProgressCircular(v_if=("busy",), indeterminate=True, size=20, width=2, classes="mr-2")
        for name, icon, text in _LAYOUTS:
            button(
                icon,
                f"{text} (v)",
                f"layout = '{name}'",
                id=f"layout-{name}",
                active=(f"layout === '{name}'",),
                classes="d-none d-sm-inline-flex" if name == THREE_PLANES else "",
            )
        for name, icon, text in (
            ("cohort", "mdi-table", "Report of the cohort"),
            ("study", "mdi-eye-check", "Reader study"),
        ):
            if name in pages:
                _link(icon, text, f"'/{name}'")
        _link("mdi-file-chart", "Report of this exam", "report", v_if=("report",))
        button("mdi-help-circle-outline", "Help", "help = true", classes="d-none d-sm-inline-flex")
        button("mdi-tune-variant", "Controls", "show_panel = !show_panel", id="panel-button")


def _link(icon: str, text: str, address: str, **more: Any) -> None:
    v3.VBtn(
        icon=icon,
        title=text,
        href=(address,),
        target="_blank",
        size="small",
        classes="d-none d-sm-inline-flex",
        **more,
    )


def _exam_list() -> None:
    with v3.VNavigationDrawer(v_model=("show_list",), width=280, temporary=("phone",), color="#171a1f"):
        v3.VTextField(
            v_model=("search", ""),
            placeholder="Find an exam",
            prepend_inner_icon="mdi-magnify",
            clearable=True,
            variant="solo-filled",
            flat=True,
            **TIGHT,
        )
        html.Div("{{ rated }} of {{ exams.length }} rated", classes="small px-4 py-2")
        with (
            v3.VList(density="compact", nav=True, bg_color="#171a1f"),
            v3.VListItem(
                v_for="(one, index) in exams",
                v_show=("!search || one.name.toLowerCase().includes(search.toLowerCase())",),
                key=("one.name",),
                active=("index === exam",),
                click="trigger('command', ['open', index])",
                subtitle=("one.verdict",),
                title=("one.name",),
            ),
        ):
            with v3.Template(v_slot_prepend=True):
                v3.VIcon(f"{{{{ {_ICONS}[one.state] }}}}", color=(f"{_TINTS}[one.state]",), size="small")
            with v3.Template(v_slot_append=True):
                v3.VChip("{{ one.rating }}", v_if=("one.rating",), size="x-small", title="Your rating")


def _help() -> None:
    with v3.VDialog(v_model=("help", False), max_width=520), v3.VCard(title="Keys and gestures"), v3.VCardText():
        with html.Table(classes="figures"), html.Tbody():
            for keys, text in _HELP:
                with html.Tr():
                    html.Td(keys)
                    html.Td(text, style="text-align: left")
        html.Div("Grades, notes and figures are in the panel on the right.", classes="small mt-3")
