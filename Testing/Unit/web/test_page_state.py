from __future__ import annotations

import re
from pathlib import Path

import NephroSynthLib.web
from NephroSynthLib.web.cells import PHASE_VIEWS, PLANE_VIEWS, THREE_D_VIEW
from NephroSynthLib.web.page_state import first_state

LISTED = {"exams", "rated"}
"""The viewer adds these from the exams that it shows."""


def test_every_variable_that_the_viewer_uses_has_a_first_value() -> None:
    room = Path(NephroSynthLib.web.__file__).parent
    text = "".join((room / name).read_text("utf-8") for name in ("viewer.py", "commands.py", "linked_views.py"))
    used = set(re.findall(r"state\.(\w+)\b(?!\()", text))
    assert {"message", "width", "layout"} <= used
    assert used - LISTED <= first_state("exams").keys()


def test_each_view_has_variables_of_its_own() -> None:
    state = first_state("exams")
    for view in (*PHASE_VIEWS, *PLANE_VIEWS, THREE_D_VIEW):
        assert {f"{view}_{name}" for name in ("title", "mark", "legend", "mm", "low", "high", "step")} <= state.keys()
    assert state["trame__title"] == "exams - NephroSynth"
