"""Tests the viewer in a real headless browser: it loads, compares, rates, and keeps strangers out."""

from __future__ import annotations

import csv
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from viewed_page import loaded, picture, positions, shares_of_light, titles, until

pytestmark = pytest.mark.system("view", "browser")


def test_strangers_get_nothing(address: str) -> None:
    base = address.partition("?")[0]
    for path in ("", "index.html", "report/0", "exams/exam-1/result.json", "..%2f..%2fetc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(base + path)


def test_planes_comparisons_and_their_legend(page: Any) -> None:
    page.click("#layout-planes")
    until(page, lambda: len(titles(page)) == 4 and "Kidneys" in titles(page))
    until(page, lambda: all(share > 0.02 for share in shares_of_light(page)))
    picture(page, "view-planes")
    page.keyboard.press("d")
    until(page, lambda: titles(page)[0] == "Synthetic − acquired nephrographic")
    assert page.locator(".cell-ends").first.inner_text().split() == ["-100", "0", "100"]
    picture(page, "view-difference")
    page.keyboard.press("x")
    until(page, lambda: titles(page)[0].startswith("Checkerboard"))
    assert page.locator(".cell-legend").count() == 0
    page.keyboard.press("f")
    until(page, lambda: {"Flicker: Non-contrast", "Flicker: Excretory, registered"} >= set(titles(page)[:1]))
    first = titles(page)[0]
    until(page, lambda: titles(page)[0] != first)
    page.keyboard.press("u")
    until(page, lambda: titles(page)[0] == "Uncertainty over synthetic")


def test_the_window_follows_the_left_button_and_the_buttons(page: Any) -> None:
    page.click("#layout-phases")
    until(page, lambda: titles(page)[0] == "Non-contrast")
    width = page.locator(".panel:visible .value").filter(has_text="HU").first
    page.mouse.move(500, 500)
    page.mouse.down()
    page.mouse.move(620, 450, steps=5)
    page.mouse.up()
    until(page, lambda: width.inner_text() != "400 HU")
    assert page.get_by_role("slider", name="Width").count() == 1
    page.get_by_role("button", name="Narrow").click()
    until(page, lambda: width.inner_text() == "200 HU")
    page.get_by_role("button", name="Reset (0)").click()
    until(page, lambda: width.inner_text() == "400 HU")


def test_figures_warnings_and_profile(page: Any) -> None:
    page.click("#tab-figures")
    text = page.locator(".panel:visible").inner_text()
    assert "Kinetic baseline" in text
    assert "see x.nii.gz" in text
    assert "/home" not in text
    page.click("#tab-profile")
    page.locator("#profiled").click()
    until(page, lambda: page.locator("svg.profile polyline").count() == 4)
    picture(page, "view-profile")


def test_a_rating_and_a_note_are_in_the_file(page: Any, cohort: Path) -> None:
    page.click("#tab-rate")
    page.click("#grade-4")
    until(page, lambda: (cohort / "ratings.csv").exists())
    page.fill("#note", "Left kidney is off")
    page.locator("#note").blur()
    until(page, lambda: "off" in (cohort / "ratings.csv").read_text())
    with (cohort / "ratings.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["exam"], row["rating"], row["note"]) == ("exam-1", "4", "Left kidney is off")
    until(page, lambda: "1 of 3 rated" in page.locator(".v-navigation-drawer").first.inner_text())


def test_the_next_exams_and_one_that_failed(page: Any) -> None:
    page.keyboard.press("n")
    loaded(page, "exam-2")
    page.keyboard.press("2")
    page.click("#next")
    until(page, lambda: "excretory phase is missing" in page.locator(".message").all_inner_texts()[-1:].__str__())
    picture(page, "view-failed")
    page.click("#previous")
    loaded(page, "exam-2")
    assert page.locator("#saved").inner_text().startswith("Saved")


def test_reports_open_and_nothing_is_asked_elsewhere(page: Any, address: str) -> None:
    base = address.partition("?")[0]
    assert page.request.get(base + "cohort").text() == "<p>The cohort</p>"
    assert page.request.get(base + "report/1").text() == "<p>The report</p>"
    assert page.request.get(base + "report/2").status == 404
    assert page.request.get(base + "exams/exam-1/result.json").status == 404
    assert page.hosts == {address.split("/")[2]}


def test_a_phone_shows_one_view_and_scrolls_by_touch(browser: Any, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(address)
    until(page, lambda: len(titles(page)) == 1 and page.locator(".message").count() == 0)
    until(page, lambda: [share > 0.1 for share in shares_of_light(page)] == [True])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "view-phone")
    before = positions(page)
    touch = context.new_cdp_session(page)
    for kind, y in (("touchStart", 300), *(("touchMove", y) for y in range(310, 400, 10)), ("touchEnd", None)):
        points = [] if y is None else [{"x": 200, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    until(page, lambda: positions(page) != before)
    page.click("#panel-button")
    until(page, lambda: page.locator("#grade-4").is_visible())
    picture(page, "view-phone-panel")
