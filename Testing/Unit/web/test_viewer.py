"""Tests the viewer in a real headless browser: it loads, compares, rates, and keeps strangers out."""

from __future__ import annotations

import csv
import urllib.error
import urllib.request
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from viewed_page import body, loaded, picture, positions, shares_of_light, titles, until

from NephroSynthLib.cohort.cohort_report import write_cohort_report

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


def test_the_end_of_the_profile_line_is_dragged_in_a_view(page: Any) -> None:
    page.click("#layout-one")
    until(page, lambda: len(titles(page)) == 1)
    page.click("#tab-profile")
    until(page, lambda: page.locator("svg.profile polyline").count() == 4)  # of the test before
    before = page.locator("svg.profile").inner_html()
    left, top, width, height = body(page)
    end = left + width * (0.5 + 44 / 160), top + height * (0.5 + 4 / 128)  # the left kidney; all in mm

    def dragged() -> bool:
        page.mouse.move(end[0] - 3, end[1])
        page.mouse.move(*end)
        page.wait_for_timeout(500)  # a busy server learns late that the pointer is over the end
        page.mouse.down()
        page.mouse.move(end[0], end[1] - height / 4, steps=8)
        page.mouse.up()
        page.wait_for_timeout(1000)
        return bool(page.locator("svg.profile").inner_html() != before)

    until(page, dragged)
    picture(page, "view-profile-dragged")
    page.locator("#profiled").click()
    until(page, lambda: page.locator("svg.profile:visible").count() == 0)


def test_the_synthetic_volume_is_shown_in_3d_and_marked(page: Any) -> None:
    page.click("#tab-view")
    page.click("#layout-planes")
    until(page, lambda: "Kidneys" in titles(page))
    marks = page.locator(".cell-title").filter(has_text="Kidneys").locator(".cell-mark")
    assert marks.count() == 0
    page.get_by_label("Synthetic volume in 3D").click()
    until(page, lambda: marks.all_inner_texts() == ["SYNTHETIC · research only"])
    picture(page, "view-3d")
    page.get_by_label("Synthetic volume in 3D").click()
    until(page, lambda: marks.count() == 0)


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
    assert page.request.get(base + "study").text() == "<p>The study</p>"
    assert {link.get_attribute("href") for link in page.locator("header a").all()} >= {"/cohort", "/study"}
    assert page.request.get(base + "report/1").text() == "<p>The report</p>"
    assert page.request.get(base + "report/2").status == 404
    assert page.request.get(base + "exams/exam-1/result.json").status == 404
    assert page.hosts == {address.split("/")[2]}


def test_a_phone_shows_one_view_scrolls_by_a_finger_and_zooms_by_two(browser: Any, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(address)
    until(page, lambda: len(titles(page)) == 1 and page.locator(".message").count() == 0)
    until(page, lambda: [share > 0.1 for share in shares_of_light(page)] == [True])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "view-phone")
    before, (light,) = positions(page), shares_of_light(page)
    touch = context.new_cdp_session(page)
    _touch(touch, [[(200, y)] for y in range(300, 400, 10)])
    until(page, lambda: positions(page) != before)
    _touch(touch, [[(195 - x, 400), (195 + x, 400)] for x in range(30, 120, 10)])
    until(page, lambda: shares_of_light(page)[0] > 1.2 * light)
    page.click("#panel-button")
    until(page, lambda: page.locator("#grade-4").is_visible())
    picture(page, "view-phone-panel")


def test_the_report_of_a_cohort_fits_a_phone_and_a_sheet_of_paper(browser: Any, tmp_path: Path) -> None:
    figures = ("registration.ssim_after", "segmentation.noncontrast.right", "segmentation.noncontrast.left", "seconds")
    told = {"status": "done", "verdict": "gate reached", "reason": "", "warnings": "The delay of the exam is unknown."}
    rows = [{"exam": f"exam-{place}", **told, **dict.fromkeys(figures, 0.8)} for place in range(3)]
    rows.append({"exam": "broken", **told, "status": "failed"})
    write_cohort_report(rows, "exams", ["exams.csv"], tmp_path / "report.html")
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto((tmp_path / "report.html").as_uri())
    for text in ("exam-1", "gate reached", "The delay"):
        box = page.get_by_text(text).first.bounding_box()
        assert box["x"] + box["width"] <= 390
    shown = page.locator("tr", has_text="exam-1").inner_text()
    assert "0.80" in shown
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1047})  # A4 within the margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 718


def test_the_tables_of_a_report_fit_a_phone(browser: Any) -> None:
    template = resources.files("NephroSynthLib.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    style = template[template.index("<style>") : template.index("</style>")]
    rows = "<tr><td>Right kidney, shift L / P / S (mm)</td><td>+1.7 / +1.5 / +11.4 (length 11.6)</td></tr>"
    rows = rows.replace("</tr>", "<td>+1.8 / +0.6 / +10.1 (length 10.3)</td></tr>")
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    table = f"<div class='scroll'><table class='figures'>{rows}</table></div>"
    page.set_content(f"{style}</style><main><section>{table}</section></main>")
    assert page.evaluate("document.querySelector('.scroll').scrollWidth") <= 366


def _touch(session: Any, moves: list[list[tuple[int, int]]]) -> None:
    """Puts fingers on the page, moves them and takes them off."""
    kinds = ["touchStart", *["touchMove"] * (len(moves) - 1), "touchEnd"]
    for kind, fingers in zip(kinds, [*moves, []], strict=True):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
