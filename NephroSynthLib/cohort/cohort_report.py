"""The report of a cohort: one HTML page with the distribution of each key figure and all exams, outliers first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from NephroSynthLib.cohort.cohort_table import MISSED, Row
from NephroSynthLib.files.html_page import rendered
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import REPORT
from NephroSynthLib.files.staging import staged_file

TEMPLATE = "cohort.html.j2"
OUTLYING = 3.5
"""Robust z score from which a figure counts as outlying (Iglewicz and Hoaglin, 1993)."""
LEAST_EXAMS = 5
"""Fewer exams have no outlier."""
BINS = 20


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the table that the report shows.

    Attributes:
        column: Its column.
        title: Its title with the unit.
        decimals: How many are shown.
    """

    column: str
    title: str
    decimals: int = 1


KEY_FIGURES = (
    KeyFigure("registration.ssim_after", "SSIM around the kidneys after registration", 2),
    KeyFigure("segmentation.noncontrast.right", "Right kidney (ml)", 0),
    KeyFigure("segmentation.noncontrast.left", "Left kidney (ml)", 0),
    KeyFigure("enhancement.cortex.mean_hu", "Estimated enhancement of the cortex (HU)", 0),
    KeyFigure("metrics.around.window.psnr_db", "PSNR around the kidneys (dB)"),
    KeyFigure("metrics.inside.window.mae_hu", "MAE inside the kidneys (HU)"),
    KeyFigure("seconds", "Time (s)", 0),
    KeyFigure("peak_memory_mb", "Largest memory of its process so far (MiB)", 0),
)


@dataclass(frozen=True)
class Distribution:
    """A key figure over the exams.

    Attributes:
        figure: The figure.
        values: Its value by exam.
        median: Their median.
        deviation: Their median absolute deviation, scaled to the standard deviation of normal values.
        bars: Left edge and height of each bar of the histogram, as fractions of its width and height.
    """

    figure: KeyFigure
    values: Mapping[str, float]
    median: float
    deviation: float
    bars: tuple[tuple[float, float], ...]

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values.values())

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values.values())

    def text(self, value: float) -> str:
        """Returns a value with the decimals of the figure."""
        return f"{value:.{self.figure.decimals}f}"

    def outlying(self, exam: str) -> float:
        """Returns how far the value of an exam is from the median, in deviations; 0 where nothing tells."""
        if exam not in self.values or len(self.values) < LEAST_EXAMS or not self.deviation:
            return 0.0
        return abs(self.values[exam] - self.median) / self.deviation


def distribution(figure: KeyFigure, rows: Sequence[Row]) -> Distribution | None:
    """Returns the distribution of a figure, or None if no exam has it."""
    found = {str(row["exam"]): row.get(figure.column) for row in rows if row["status"] == "done"}
    values = {
        exam: float(value) for exam, value in found.items() if isinstance(value, int | float) and math.isfinite(value)
    }
    if not values:
        return None
    median = statistics.median(values.values())
    deviation = 1.4826 * statistics.median(abs(value - median) for value in values.values())
    low, high = min(values.values()), max(values.values())
    counts = [0] * BINS
    for value in values.values():
        counts[min(BINS - 1, int(BINS * (value - low) / (high - low))) if high > low else BINS // 2] += 1
    bars = tuple((place / BINS, count / max(counts)) for place, count in enumerate(counts) if count)
    return Distribution(figure, values, median, deviation, bars)


@dataclass(frozen=True)
class Line:
    """An exam in the report.

    Attributes:
        exam: Its name.
        link: The address of its own report; empty if it has none.
        verdict: 'failed', or the verdict of its registration.
        good: Whether nothing is to be looked at.
        cells: Text and mark of each key figure; the mark tells that it is outlying.
        remarks: The reason of its failure, its outlying figures and its warnings.
    """

    exam: str
    link: str
    verdict: str
    good: bool
    cells: tuple[tuple[str, bool], ...]
    remarks: tuple[str, ...]


def write_cohort_report(rows: Sequence[Row], results: str, tables: Sequence[str], path: Path) -> None:
    """Writes the report, which loads nothing from outside.

    Args:
        rows: The rows of the table.
        results: The folder of the exams' results, relative to that of the report.
        tables: Names of the files of the table, beside the report.
        path: The HTML file, which is written atomically.

    Raises:
        ResourceError: If it cannot be written.
    """
    found = [one for figure in KEY_FIGURES if (one := distribution(figure, rows)) is not None]
    lines = [_line(row, found, results) for row in sorted(rows, key=lambda row: _rank(row, found))]
    failed = sum(row["status"] == "failed" for row in rows)
    html = rendered(
        Path(__file__).parent / TEMPLATE,
        notice=RESEARCH_ONLY,
        count=len(rows),
        failed=failed,
        missed=sum(row["verdict"] == MISSED for row in rows),
        doubtful=sum(bool(row["warnings"]) for row in rows),
        outlying=sum(any(one.outlying(row["exam"]) > OUTLYING for one in found) for row in rows),
        distributions=found,
        lines=lines,
        tables=tables,
        limit=OUTLYING,
    )
    with staged_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _rank(row: Row, found: Sequence[Distribution]) -> tuple[bool, bool, float]:
    """Returns the place of an exam: failed ones, those that missed the gate, then the most outlying ones."""
    furthest = max((one.outlying(row["exam"]) for one in found), default=0.0)
    return row["status"] != "failed", row["verdict"] != MISSED, -furthest


def _line(row: Row, found: Sequence[Distribution], results: str) -> Line:
    exam, failed = str(row["exam"]), row["status"] == "failed"
    far = [one for one in found if one.outlying(exam) > OUTLYING]
    told = [f"{one.figure.title}: {one.text(one.values[exam])}, median {one.text(one.median)}." for one in far]
    warnings = [text for text in str(row["warnings"]).split(" | ") if text]
    return Line(
        exam,
        "" if failed else f"{results}/{quote(exam)}/{REPORT}",
        "failed" if failed else str(row["verdict"]),
        not (failed or far or warnings or row["verdict"] == MISSED),
        tuple((one.text(one.values[exam]) if exam in one.values else "", one in far) for one in found),
        tuple(text for text in (str(row["reason"]), *told, *warnings) if text),
    )
