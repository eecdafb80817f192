"""Tests the views in a real headless browser."""

from __future__ import annotations

from typing import Any

import pytest
from viewed_page import picture, positions, shares_of_light, titles, until

pytestmark = pytest.mark.system("view", "browser")


def test_all_phases_stand_side_by_side(page: Any) -> None:
    assert titles(page) == [
        "Non-contrast",
        "Excretory, registered",
        "Synthetic nephrographic",
        "Acquired nephrographic",
    ]
    assert page.locator(".cell-mark").all_inner_texts() == ["SYNTHETIC · research only"]
    until(page, lambda: [share > 0.1 for share in shares_of_light(page)] == [True] * 4)
    picture(page, "view-phases")


def test_all_views_scroll_together_by_wheel_and_key(page: Any) -> None:
    before = positions(page)
    page.mouse.move(400, 300)
    page.mouse.wheel(0, 100)
    until(page, lambda: positions(page) != before and len(set(positions(page))) == 1)
    moved = positions(page)
    page.keyboard.press("ArrowUp")
    until(page, lambda: positions(page) != moved and len(set(positions(page))) == 1)
