"""The page: whole in one file, and silent about the truth."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.reader_study.blinded_picture import BlindedPicture
from NephroSynthLib.reader_study.reading_page import reading_page
from NephroSynthLib.reader_study.study_answers import COLUMNS, GRADES, Judgement, read_answers
from NephroSynthLib.reader_study.study_key import PictureKey, StudyKey


@pytest.fixture(scope="module")
def page() -> str:
    key = PictureKey(exam="DOE JOHN", slice=777, origin="synthetic")
    return reading_page("study-1", [BlindedPicture(f"p{n:03}", f"png {n}".encode(), key) for n in (1, 2, 3)])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    return parser.found


def test_it_holds_the_pictures_in_their_order_and_no_truth(page: str) -> None:
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    content = json.loads(found[1])
    assert content["pictures"] == [
        {"name": f"p{n:03}", "png": base64.b64encode(f"png {n}".encode()).decode()} for n in (1, 2, 3)
    ]
    assert (content["study"], content["columns"]) == ("study-1", list(COLUMNS))
    assert not any(word in page for word in ("DOE", "JOHN", "777", '"exam"', '"origin"'))


def test_it_loads_nothing_and_says_that_it_is_for_research(page: str) -> None:
    assert RESEARCH_ONLY in page
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page)
    assert not [tag for tag, attributes in tags(page) if attributes.get("src") or attributes.get("href")]


def test_it_asks_what_the_answers_hold(page: str) -> None:
    values: dict[str, list[str | None]] = {}
    for tag, attributes in tags(page):
        if tag == "input" and attributes.get("type") == "radio":
            values.setdefault(str(attributes["name"]), []).append(attributes["value"])
    assert values == {"quality": [str(n + 1) for n in range(GRADES)], "answer": ["real", "synthetic"]}


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

DRIVER = """
const seen = {}, files = [];
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const place = () => document.getElementById("place").textContent;
const begin = (code) => {
  document.getElementById("reader").value = code;
  document.getElementById("start").requestSubmit();
};
URL.createObjectURL = (blob) => { files.push(blob); return "blob:none"; };
HTMLAnchorElement.prototype.click = function () { seen.name = this.download; };
(async () => {
  begin("no/such code");
  seen.refused = !document.getElementById("start").hidden;
  begin("Dr 1");
  seen.first = place();
  press("Enter");
  seen.unanswered = place();
  press("4"); press("s");
  seen.picture = document.getElementById("image").src;
  press("Enter");
  seen.second = place();
  press("2"); press("r"); press("ArrowLeft"); press("5"); press("Enter");
  document.getElementById("partial").click();
  seen.partial = await files[0].text();
  press("Enter");
  document.querySelector('input[name="quality"][value="3"]').click();
  document.querySelector('input[name="answer"][value="real"]').click();
  seen.last = document.getElementById("next").textContent;
  document.getElementById("next").click();
  seen.ended = !document.getElementById("end").hidden;
  document.getElementById("download").click();
  seen.whole = await files[1].text();
  begin("dr 1");
  seen.continued = !document.getElementById("end").hidden;
  begin("R2");
  seen.another = place();
  document.documentElement.setAttribute("data-seen", JSON.stringify(seen));
})();
"""
"""What a reader does on the page, by keys and by clicks, and what the page then shows."""


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page shows to a reader, in a browser."""
    folder = tmp_path_factory.mktemp("browser")
    file = folder / "reading.html"
    file.write_text(page.replace("</body>", f"<script>{DRIVER}</script></body>"), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={folder / 'profile'}", file.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'data-seen="(.*?)"', shown)
    assert found is not None, shown[-500:]
    answer: dict[str, Any] = json.loads(unescape(found[1]))
    return answer


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, without a window")
class TestInABrowser:
    def test_a_picture_is_left_only_with_both_answers(self, seen: dict[str, Any]) -> None:
        assert seen["refused"]
        assert seen["first"] == seen["unanswered"] == "Picture 1 of 3"
        assert seen["picture"] == f"data:image/png;base64,{base64.b64encode(b'png 1').decode()}"
        assert seen["second"] == "Picture 2 of 3"
        assert seen["last"] == "Finish"
        assert seen["ended"]

    def test_the_answers_are_saved_as_the_evaluation_reads_them(
        self, seen: dict[str, Any], tmp_path: Path, key: StudyKey
    ) -> None:
        assert seen["name"] == "answers-Dr-1.csv"
        rows = ["study-1,Dr 1,p001,5,synthetic", "study-1,Dr 1,p002,2,real"]
        assert seen["partial"].splitlines() == [",".join(COLUMNS), *rows]
        assert seen["whole"].startswith(seen["partial"])
        (tmp_path / seen["name"]).write_text(seen["whole"], encoding="utf-8")
        (read,) = read_answers([tmp_path / seen["name"]], key.model_copy(update={"study": "study-1"}))
        assert read.reader == "Dr 1"
        assert read.judgements["p003"] == Judgement(3, "real")

    def test_the_browser_keeps_the_answers_of_each_reader(self, seen: dict[str, Any]) -> None:
        assert seen["continued"]
        assert seen["another"] == "Picture 1 of 3"
