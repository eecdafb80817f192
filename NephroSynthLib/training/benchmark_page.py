"""The page of a benchmark: the table, quality against time, and each method on the same slices."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training.benchmark_tables import COLUMNS, NOTE, SET_COLUMNS, Row, cells

LABELS = {"noncontrast": "non-contrast", "excretory": "excretory, registered", "nephrographic": "true nephrographic"}
PIXELS = 3
"""Pixels of a picture for each millimetre across, halved on narrow screens by the browser."""

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 1500px; padding: 0 20px 40px; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; } h2 { font-size: 18px; margin-top: 32px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 14px; }
figure { margin: 0; } figure img { width: 100%; display: block; border-radius: 4px; background: #000; }
figcaption { font-size: 13px; margin-top: 3px; }
.note { font-size: 13px; opacity: .75; max-width: 1000px; } .plot { max-width: 760px; width: 100%; background: #fff; }
.banner { border-left: 4px solid #c77700; padding: 8px 14px; background: #c7770018; }
"""

Volumes = Iterable[tuple[str, NDArray[np.float32]]]
"""Volumes (z, y, x) in HU by name; the first three are the phases."""


def write_page(
    folder: Path, rows: Sequence[Row], exams: int, budget: str, compared: str, shown: tuple[str, Volumes]
) -> None:
    """Writes `index.html`, which needs no other file.

    Args:
        folder: Takes it.
        rows: The methods.
        exams: Number of the exams.
        budget: Name of the budget of the trainings.
        compared: The method that others are tested against.
        shown: The exam to show, by name, with its volumes.
    """
    titles = ["method", *(title for title, _ in COLUMNS.values()), *SET_COLUMNS.values()]
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = "".join(
        f'<tr><td title="{html.escape(row.title)}">{html.escape(row.method)}</td>'
        + "".join(f"<td>{html.escape(text)}</td>" for text in cells(row, rows, compared))
        + "</tr>"
        for row in rows
    )
    note = html.escape(NOTE.format(compared=compared))
    count = "one held-out exam" if exams == 1 else f"{exams} held-out exams"
    exam, volumes = shown
    methods = {row.method: row for row in rows}
    pictures = "".join(
        _picture(LABELS[name] if index < len(LABELS) else _with_quality(methods[name]), hu)
        for index, (name, hu) in enumerate(volumes)
    )
    text = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>NephroSynth benchmark</title><style>{_STYLE}</style></head><body>
<h1>Methods for the nephrographic phase</h1>
<p class="banner">Research use only. All pictures but the phases are synthetic.</p>
<p>Budget <b>{html.escape(budget)}</b>, {count}, simulated unless they come from a cohort. All methods get the same
registration and the true contrast of the exam.</p>
<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>
<p class="note">{note}</p>
<h2>Quality against time</h2>
<img class="plot" alt="PSNR of each method against its seconds" src="{_embedded(_plot(rows))}">
<h2>The same slices, exam {html.escape(exam)}</h2>
<p class="note">Axial on the left, coronal on the right, through the middle of the region. Window 400, level 50.</p>
<div class="pictures">{pictures}</div>
</body></html>
"""
    with staged_file(folder / "index.html") as temporary:
        temporary.write_text(text, encoding="utf-8")


def _picture(label: str, hu: NDArray[np.float32]) -> str:
    image = f'<img alt="{html.escape(label)}" src="{_embedded(montage(hu))}">'
    return f"<figure>{image}<figcaption>{html.escape(label)}</figcaption></figure>"


def _with_quality(row: Row) -> str:
    psnr = row.exams[0].get("psnr_db")
    return row.method if psnr is None else f"{row.method}, {psnr:.1f} dB"


def montage(hu: NDArray[np.float32]) -> bytes:
    """Returns the middle axial slice beside the middle coronal one, in radiological view with square pixels, as PNG."""
    x, y, z = WORKING_SPACING
    planes = (hu[len(hu) // 2], (y, x)), (hu[::-1, hu.shape[1] // 2], (z, x))
    height = max(round(plane.shape[0] * steps[0] * PIXELS) for plane, steps in planes)
    sheets = []
    for plane, (down, across) in planes:
        grey = Image.fromarray(np.rint((to_window(plane).clip(-1, 1) + 1) * 127.5).astype(np.uint8))
        size = round(plane.shape[1] * across * PIXELS), round(plane.shape[0] * down * PIXELS)
        sheet = Image.new("L", (size[0], height))
        sheet.paste(grey.resize(size, Image.Resampling.BILINEAR), (0, (height - size[1]) // 2))
        sheets.append(sheet)
    whole = Image.new("L", (sum(sheet.width for sheet in sheets) + 6, height))
    whole.paste(sheets[0], (0, 0))
    whole.paste(sheets[1], (sheets[0].width + 6, 0))
    whole.thumbnail((1000, 1000))
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _plot(rows: Sequence[Row]) -> bytes:
    figure = Figure(figsize=(7.6, 4.4), dpi=130, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.subplots()
    for row in rows:
        time, quality = row.mean("seconds"), row.mean("psnr_db")
        if time is not None and quality is not None:
            seconds = max(time.value, 0.01)
            axes.errorbar(
                seconds, quality.value, [[quality.value - quality.low], [quality.high - quality.value]],
                fmt="o", capsize=2, lw=1,
            )  # fmt: skip
            axes.annotate(row.method, (seconds, quality.value), xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.18)
    axes.set_xlabel("seconds for an exam")
    axes.set_ylabel("PSNR (dB)")
    axes.grid(alpha=0.25)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _embedded(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
