"""The page of a benchmark: the tables, quality against time, and each method on the same slices."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from PIL import Image

from NephroSynthLib.files.html_page import rendered
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.imaging.window import to_window
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training.benchmark_tables import NOTE, Row, tables

LABELS = {"noncontrast": "non-contrast", "excretory": "excretory, registered", "nephrographic": "true nephrographic"}
TEMPLATE = "benchmark.html.j2"
PIXELS = 3
"""Pixels of a picture for each millimetre across, halved on narrow screens by the browser."""

Volumes = Iterable[tuple[str, NDArray[np.float32]]]
"""Volumes (z, y, x) in HU by name; the first three are the phases."""


def write_page(
    folder: Path, rows: Sequence[Row], exams: int, budget: str, compared: str, features: str, shown: tuple[str, Volumes]
) -> None:
    """Writes `index.html`, which needs no other file.

    Args:
        folder: Takes it.
        rows: The methods.
        exams: Number of the exams.
        budget: Name of the budget of the trainings.
        compared: The method that others are tested against.
        features: The network whose features the distances of sets use, in words.
        shown: The exam to show, by name, with its volumes.
    """
    exam, volumes = shown
    methods = {row.method: row for row in rows}
    pictures = [
        (LABELS[name] if index < len(LABELS) else _with_quality(methods[name]), _embedded(montage(hu)))
        for index, (name, hu) in enumerate(volumes)
    ]
    text = rendered(
        Path(__file__).with_name(TEMPLATE),
        notice=RESEARCH_ONLY,
        budget=budget,
        exams=exams,
        tables=tables(rows, compared, features),
        titles={row.method: row.title for row in rows},
        compared=compared,
        note=NOTE,
        plot=_embedded(_plot(rows)),
        exam=exam,
        pictures=pictures,
    )
    with staged_file(folder / "index.html") as temporary:
        temporary.write_text(text, encoding="utf-8")


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
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.18)
    axes.set_xlabel("seconds for an exam")
    axes.set_ylabel("PSNR (dB)")
    axes.grid(alpha=0.25)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _embedded(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
