"""The state of the page before an exam is loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from NephroSynthLib.imaging.window import LEVEL_HU, WIDTH_HU
from NephroSynthLib.web.cells import PHASE_VIEWS, PLANE_VIEWS, THREE_D_VIEW, Choice

_OF_A_VIEW = {"title": "", "mark": False, "legend": None, "mm": 0.0, "low": 0.0, "high": 1.0, "step": 1.0}


def first_state(title: str) -> dict[str, Any]:
    """Returns the variables of the page by name, with the values that they begin with."""
    views = (*PHASE_VIEWS, *PLANE_VIEWS, THREE_D_VIEW)
    return {
        "trame__title": f"{title} - NephroSynth",
        **asdict(Choice(first="", second="")),
        "fades": False,
        "contents": [],
        "phases": [],
        "width": round(WIDTH_HU),
        "level": round(LEVEL_HU),
        "outlines": True,
        "rendered": False,
        "profiled": False,
        "profile_svg": "",
        "message": "Loading",
        "busy": True,
        "warnings": [],
        "notes": [],
        "tables": [],
        "report": "",
        "rating": None,
        "note": "",
        "saved": "",
        "exam": 0,
        "exam_name": "",
        "exam_state": "unknown",
        "show_list": False,
        "show_panel": False,
        "phone": False,
        "help": False,
        "tab": "view",
        "search": "",
        **{f"{view}_{name}": value for view in views for name, value in _OF_A_VIEW.items()},
    }
