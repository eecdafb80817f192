"""Tests that the page builds from its widgets, and that all of it comes from its own server."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.system("view")


def test_the_page_has_all_parts_and_names_nothing_outside() -> None:
    from trame.app import get_server

    from NephroSynthLib.web.page import build_page, view_overlay

    server = get_server("test_page", client_type="vue3")
    put: list[object] = []
    page = build_page(server, "cohort", put.append, True, ["cohort"]).html
    assert len(put) == 1
    for part in ("list-button", "next", "layout-planes", "content", "outlines", "tab-rate", "grade-5", "/cohort"):
        assert part in page
    assert "/study" not in page
    assert not re.search(r"https?://", page)
    assert "Research use only" in page
    assert "list-button" not in build_page(get_server("test_page_of_one"), "one", put.append, False, []).html
    assert view_overlay(server, "View1", with_slider=True) is None
