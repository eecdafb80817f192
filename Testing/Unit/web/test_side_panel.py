"""Tests that the panel has its parts; a browser goes through them in `test_viewer.py`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.system("view")


def test_the_panel_has_a_tab_for_each_task() -> None:
    from trame.app import get_server
    from trame.ui.vuetify3 import VAppLayout

    from NephroSynthLib.web.exam_ratings import GRADES
    from NephroSynthLib.web.side_panel import build_side_panel

    with VAppLayout(get_server("test_side_panel", client_type="vue3")) as layout:
        build_side_panel()
    for part in ("view", "figures", "profile", "rate"):
        assert f"tab-{part}" in layout.html
    assert all(f"grade-{grade}" in layout.html for grade in GRADES)
    assert "Research use only" in layout.html
