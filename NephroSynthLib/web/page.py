"""The page: bar, list of exams, views and side panel, as widgets that are bound to the state of the viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from NephroSynthLib import options
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.web.cells import COMPARISONS, MARK, ONE, PLANES, SIDE_BY_SIDE, THREE_PLANES, UNCERTAINTY
from NephroSynthLib.web.exam_ratings import GRADES
from NephroSynthLib.web.profile_drawing import COLOURS

_FOLDER = Path(__file__).parent
_LAYOUTS = (
    (SIDE_BY_SIDE, "mdi-view-grid-outline", "Phases side by side"),
    (THREE_PLANES, "mdi-cube-scan", "Three planes and 3D"),
    (ONE, "mdi-square-outline", "One view"),
)
_WINDOWS = (("Kidney", 400, 50), ("Narrow", 200, 100), ("Wide", 1500, 300))
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
_TIGHT: dict[str, Any] = {"density": "compact", "hide_details": True}


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
        _panel()
        with v3.VMain(), html.Div(classes="views"):
            views(layout)
            with html.Div(v_if=("message",), classes="message", role="status"):
                html.Div("{{ message }}")
        _help()
    return layout


def view_overlay(server: Any, view: str, with_slider: bool) -> None:
    """Builds what lies over a view: its title, the mark of a synthetic picture, and the slider of its slices."""
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
                    aria_label=("'Slice'",),
                    color="#aeb6c1",
                    **_TIGHT,
                )
                html.Span(f"{{{{ Number({view}_mm).toFixed(1) }}}} mm", classes="cell-mm")


def _bar(title: str, several: bool, pages: Sequence[str]) -> None:
    with v3.VAppBar(density="compact", color="#171a1f"):
        if several:
            v3.VAppBarNavIcon(click="show_list = !show_list", title="List of exams", id="list-button")
            _button("mdi-chevron-left", "Previous exam (p)", "trigger('command', ['step', -1])", id="previous")
            _button("mdi-chevron-right", "Next exam (n)", "trigger('command', ['step', 1])", id="next")
        v3.VIcon(f"{{{{ {_ICONS}[exam_state] }}}}", color=(f"{_TINTS}[exam_state]",), classes="ml-3", size="small")
        v3.VToolbarTitle("{{ exam_name }}", classes="ml-2", title=title)
        v3.VProgressCircular(v_if=("busy",), indeterminate=True, size=20, width=2, classes="mr-2")
        for name, icon, text in _LAYOUTS:
            _button(
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
        _button("mdi-help-circle-outline", "Help", "help = true", classes="d-none d-sm-inline-flex")
        _button("mdi-tune-variant", "Controls", "show_panel = !show_panel", id="panel-button")


def _button(icon: str, text: str, click: str, **more: Any) -> None:
    v3.VBtn(icon=icon, title=text, aria_label=(f"'{text}'",), click=click, size="small", **more)


def _link(icon: str, text: str, address: str, **more: Any) -> None:
    v3.VBtn(
        icon=icon,
        title=text,
        aria_label=(f"'{text}'",),
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
            **_TIGHT,
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


def _panel() -> None:
    with v3.VNavigationDrawer(
        v_model=("show_panel",), location="right", width=372, temporary=("phone",), color="#171a1f"
    ):
        with v3.VTabs(v_model=("tab", "view"), density="compact", grow=True):
            for name, text in (("view", "View"), ("figures", "Figures"), ("profile", "Profile"), ("rate", "Rate")):
                v3.VTab(text, value=name, id=f"tab-{name}", style="min-width: 0")
        with html.Div(v_show=("tab === 'view'",), classes="panel"):
            _view_controls()
        with html.Div(v_show=("tab === 'figures'",), classes="panel"):
            _figures()
        with html.Div(v_show=("tab === 'profile'",), classes="panel"):
            _profile()
        with html.Div(v_show=("tab === 'rate'",), classes="panel"):
            _rating()
        html.Div(RESEARCH_ONLY, classes="small px-4 pb-4")


def _view_controls() -> None:
    with html.Div(v_show=(f"layout !== '{SIDE_BY_SIDE}'",)):
        html.H3("Show")
        v3.VSelect(v_model=("content",), items=("contents",), id="content", **_TIGHT)
        compared = f"{[name for name in COMPARISONS if name != UNCERTAINTY]}.includes(content)"
        with html.Div(v_show=(compared,), classes="mt-2"):
            v3.VSelect(
                v_model=("first",),
                items=("phases",),
                label="First",
                v_show=("content !== 'difference'",),
                classes="mb-2",
                **_TIGHT,
            )
            v3.VSelect(v_model=("second",), items=("phases",), label="Compared with", **_TIGHT)
        _slider("Fade", "fade", 0.0, 1.0, 0.05, "Math.round(100 * fade) + ' %'", v_show=("fades",))
    with html.Div(v_show=(f"layout !== '{THREE_PLANES}'",)):
        html.H3("Plane", classes="mt-2")
        with v3.VBtnToggle(v_model=("plane",), mandatory=True, density="compact", divided=True):
            for plane in PLANES:
                v3.VBtn(plane, value=plane, size="small", id=f"plane-{plane.lower()}")
    html.H3("Zoom")
    with html.Div(classes="row"):
        for icon, text, action in (
            ("mdi-magnify-plus-outline", "Zoom in (+)", "['zoom', 0.2]"),
            ("mdi-magnify-minus-outline", "Zoom out (−)", "['zoom', -0.25]"),
            ("mdi-fit-to-screen-outline", "Reset (0)", "['reset']"),
        ):
            _button(icon, text, f"trigger('command', {action})", variant="tonal")
    html.H3("Window")
    with html.Div(classes="row mb-1"):
        for name, width, level in _WINDOWS:
            v3.VBtn(
                name,
                size="small",
                variant="tonal",
                title=f"{width} HU wide around {level} HU",
                click=f"width = {width}; level = {level}",
            )
    _slider("Width", "width", options.STUDY_WINDOW_WIDTH.least, 2000, 1, "width + ' HU'")
    _slider("Level", "level", -500, 1000, 1, "level + ' HU'")
    html.H3("Kidneys")
    v3.VSwitch(v_model=("outlines", True), label="Outlines", id="outlines", color="#4cc3e0", **_TIGHT)
    v3.VSwitch(
        v_model=("rendered", False),
        label="Synthetic volume in 3D (slow without a GPU)",
        color="#4cc3e0",
        v_show=(f"layout === '{THREE_PLANES}'",),
        **_TIGHT,
    )


def _slider(name: str, state: str, low: float | None, high: float, step: float, text: str, **more: Any) -> None:
    with html.Div(classes="row", **more):
        html.Span(name, classes="name")
        v3.VSlider(v_model=(state,), min=low, max=high, step=step, aria_label=(f"'{name}'",), color="#aeb6c1", **_TIGHT)
        html.Span(f"{{{{ {text} }}}}", classes="value", style="min-width: 62px")


def _figures() -> None:
    v3.VAlert(
        "{{ text }}",
        v_for="text in warnings",
        key=("text",),
        type="warning",
        variant="tonal",
        density="compact",
        classes="mb-2",
        style="font-size: 13px",
    )
    html.Div("No warnings.", v_if=("!warnings.length",), classes="small")
    with html.Div(v_for="table in tables", key=("table.title",)):
        html.H3("{{ table.title }}")
        with html.Div(classes="wide"), html.Table(classes="figures"):
            with html.Thead(), html.Tr():
                html.Th("{{ text }}", v_for="text in table.header", key=("text",))
            with html.Tbody(), html.Tr(v_for="row in table.rows", key=("row[0]",)):
                html.Td("{{ text }}", v_for="(text, place) in row", key=("place",))
        html.Div("{{ table.note }}", v_if=("table.note",), classes="small")
    with html.Div(v_if=("notes.length",)):
        html.H3("Notes")
        html.Div("{{ text }}", v_for="text in notes", key=("text",), classes="small mb-1")


def _profile() -> None:
    v3.VSwitch(v_model=("profiled", False), label="Line across the views", id="profiled", color="#4cc3e0", **_TIGHT)
    html.Div(
        "The line begins between the kidneys. Drag its ends in any view.", v_show=("profiled",), classes="small mb-2"
    )
    html.Div(v_show=("profiled",), v_html=("profile_svg",))
    with html.Div(v_show=("profiled",), classes="small"), html.Span(v_for="phase in phases", key=("phase.value",)):
        colours = "({" + ", ".join(f"{role}: '{colour}'" for role, colour in COLOURS.items()) + "})"
        html.Span(classes="key", style=(f"{{background: {colours}[phase.value]}}",))
        html.Span("{{ phase.title }}")


def _rating() -> None:
    html.H3("Rating of this exam")
    with html.Div(classes="row"):
        for grade, word in GRADES.items():
            v3.VBtn(
                str(grade),
                size="small",
                variant=(f"rating === {grade} ? 'flat' : 'tonal'",),
                color=(f"rating === {grade} ? '#f0b84a' : undefined",),
                title=f"{grade}: {word}",
                id=f"grade-{grade}",
                min_width=44,
                click=f"trigger('command', ['rate', {grade}])",
            )
    words = ", ".join(f"{grade} {word}" for grade, word in GRADES.items())
    html.Div(f"{words}. The same grade again takes it back.", classes="small mt-1 mb-3")
    v3.VTextarea(
        v_model=("note", ""),
        label="Note",
        rows=4,
        id="note",
        hide_details=True,
        blur="trigger('command', ['note', note])",
    )
    html.Div("{{ saved }}", classes="small mt-2", id="saved", role="status")
    html.Div("Give no name of a patient.", classes="small")


def _help() -> None:
    with v3.VDialog(v_model=("help", False), max_width=520), v3.VCard(title="Keys and gestures"), v3.VCardText():
        with html.Table(classes="figures"), html.Tbody():
            for keys, text in _HELP:
                with html.Tr():
                    html.Td(keys)
                    html.Td(text, style="text-align: left")
        html.Div("Grades, notes and figures are in the panel on the right.", classes="small mt-3")
