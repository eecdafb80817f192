"""Tests the viewer in a real headless browser: it loads, scrolls, switches views, rates, and keeps strangers out.

One server and one browser serve all tests of this file, which go through it like a person does, in their order.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.cohort.exam_record import ExamRecord, write_record

pytestmark = pytest.mark.system("view", "browser")

PATIENCE_S = 120.0
"""A machine that renders on its processor while it runs other tests may be slow."""
PICTURES = os.environ.get("NEPHROSYNTH_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def cohort(result: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results and a failed exam."""
    folder = tmp_path_factory.mktemp("browser") / "cohort"
    for name in ("exam-1", "exam-2"):
        shutil.copytree(result, folder / "exams" / name)
    record = ExamRecord(exam="exam-3", status="failed", reason="The excretory phase is missing.")
    write_record(record, folder / "records" / "exam-3.json")
    (folder / "report.html").write_text("<p>The cohort</p>")
    return folder


@pytest.fixture(scope="module")
def address(cohort: Path) -> Iterator[str]:
    """The link that the command prints; at its end the command ends by Ctrl-C."""
    command = [sys.executable, "-m", "NephroSynthLib.cli.start", "view", str(cohort), "--port", "0"]
    log = cohort.parent / "log.txt"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        found = waited(lambda: re.search(r"http://\S+", log.read_text()) or process.poll())
        assert isinstance(found, re.Match), log.read_text()
        yield found.group(0)
        process.send_signal(2)
        assert process.wait(PATIENCE_S) in (0, 130)
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page of a desktop after the first exam is loaded."""
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    page.hosts, page.faults = set(), []
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(address)
    loaded(page, "exam-1")
    yield page
    assert page.faults == []


def waited(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


def until(page: Any, condition: Callable[[], Any]) -> None:
    """Waits for a condition while the page goes on."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "the page took too long"
        page.wait_for_timeout(100)


def loaded(page: Any, name: str) -> None:
    until(page, lambda: page.locator(".v-toolbar-title").inner_text() == name and titles(page))
    until(page, lambda: page.locator(".message").count() == 0)


def titles(page: Any) -> list[str]:
    return [text.split("\n")[0] for text in page.locator(".cell-title").all_inner_texts() if text]


def positions(page: Any) -> list[str]:
    return page.locator(".cell-mm").all_inner_texts()


def shares_of_light(page: Any) -> list[float]:
    """The share of pixels that are not black in each view."""
    script = """() => [...document.querySelectorAll('.layout-grid-item img')].map((image) => {
        const canvas = Object.assign(document.createElement('canvas'), {width: 64, height: 64});
        const context = canvas.getContext('2d');
        if (!image.complete || !image.naturalWidth) return 0;
        context.drawImage(image, 0, 0, 64, 64);
        const data = context.getImageData(0, 0, 64, 64).data;
        let light = 0;
        for (let place = 0; place < data.length; place += 4) light += data[place] > 40;
        return light / 4096;
    })"""
    return page.evaluate(script)


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(3000)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def test_strangers_get_nothing(address: str) -> None:
    base = address.partition("?")[0]
    for path in ("", "index.html", "report/0", "exams/exam-1/result.json", "..%2f..%2fetc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(base + path)


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
    page.get_by_role("button", name="Narrow").click()
    until(page, lambda: width.inner_text() == "200 HU")


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
