"""The panel beside the views: the controls of the views, the figures, the profile, and the rating."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from NephroSynthLib import options
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.web.cells import COMPARISONS, PLANES, SIDE_BY_SIDE, THREE_PLANES, UNCERTAINTY
from NephroSynthLib.web.exam_ratings import GRADES
from NephroSynthLib.web.page_parts import TIGHT, button, slider
from NephroSynthLib.web.profile_drawing import COLOURS

_WINDOWS = (("Kidney", 400, 50), ("Narrow", 200, 100), ("Wide", 1500, 300))


def build_side_panel() -> None:
    """Builds the drawer at the right, inside the layout that is open."""
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
        v3.VSelect(v_model=("content",), items=("contents",), id="content", **TIGHT)
        compared = f"{[name for name in COMPARISONS if name != UNCERTAINTY]}.includes(content)"
        with html.Div(v_show=(compared,), classes="mt-2"):
            v3.VSelect(
                v_model=("first",),
                items=("phases",),
                label="First",
                v_show=("content !== 'difference'",),
                classes="mb-2",
                **TIGHT,
            )
            v3.VSelect(v_model=("second",), items=("phases",), label="Compared with", **TIGHT)
        slider("Fade", "fade", 0.0, 1.0, 0.05, "Math.round(100 * fade) + ' %'", v_show=("fades",))
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
            button(icon, text, f"trigger('command', {action})", variant="tonal")
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
    slider("Width", "width", options.STUDY_WINDOW_WIDTH.least, 2000, 1, "width + ' HU'")
    slider("Level", "level", -500, 1000, 1, "level + ' HU'")
    html.H3("Kidneys")
    v3.VSwitch(v_model=("outlines", True), label="Outlines", id="outlines", color="#4cc3e0", **TIGHT)
    v3.VSwitch(
        v_model=("rendered", False),
        label="Synthetic volume in 3D (slow without a GPU)",
        color="#4cc3e0",
        v_show=(f"layout === '{THREE_PLANES}'",),
        **TIGHT,
    )


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
    v3.VSwitch(v_model=("profiled", False), label="Line across the views", id="profiled", color="#4cc3e0", **TIGHT)
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
