"""The page: whole in one file, and silent about the truth."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.reader_study.blinded_picture import BlindedPicture
from NephroSynthLib.reader_study.reading_page import reading_page
from NephroSynthLib.reader_study.study_answers import COLUMNS, GRADES
from NephroSynthLib.reader_study.study_key import PictureKey


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
