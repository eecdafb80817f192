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


def test_views_that_were_hidden_when_an_exam_was_opened_show_its_kidney_too(page: Any) -> None:
    page.click("#layout-planes")
    until(page, lambda: len(titles(page)) == 4)
    until(page, lambda: len(positions(page)) == 3)
    sagittal = float(positions(page)[2].removesuffix(" mm"))
    assert abs(abs(sagittal) - 44) < 3  # the middle of the right kidney
    page.click("#layout-phases")
    until(page, lambda: titles(page)[0] == "Non-contrast")


def test_all_views_scroll_together_by_wheel_and_key(page: Any) -> None:
    before = positions(page)
    page.mouse.move(400, 300)
    page.mouse.wheel(0, 100)
    until(page, lambda: positions(page) != before and len(set(positions(page))) == 1)
    moved = positions(page)
    page.keyboard.press("ArrowUp")
    until(page, lambda: positions(page) != moved and len(set(positions(page))) == 1)
