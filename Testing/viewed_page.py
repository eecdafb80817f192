"""What tests see of a page of `nephrosynth view` in a real browser, and how they wait for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
"""A machine that renders on its processor while it runs other tests may be slow."""
PICTURES = os.environ.get("NEPHROSYNTH_SCREENSHOTS", "")


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


def body(page: Any) -> tuple[float, float, float, float]:
    """The left, top, width and height, in pixels of the page, of all that is as bright as muscle in the first view."""
    script = """() => {
        const image = document.querySelector('.layout-grid-item img'), box = image.getBoundingClientRect();
        const [width, height] = [image.naturalWidth, image.naturalHeight];
        const canvas = Object.assign(document.createElement('canvas'), {width, height});
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const data = context.getImageData(0, 0, width, height).data, light = (place) => data[4 * place] > 90;
        const places = [...Array(width * height).keys()].filter(light);
        const xs = places.map((place) => place % width), ys = places.map((place) => Math.floor(place / width));
        const ends = (values) => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [1e9, 0]);
        const [[left, right], [top, bottom]] = [ends(xs), ends(ys)], scale = box.width / width;
        return [box.left + left * scale, box.top + top * scale, (right - left) * scale, (bottom - top) * scale];
    }"""
    left, top, width, height = page.evaluate(script)
    return left, top, width, height


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(3000)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
