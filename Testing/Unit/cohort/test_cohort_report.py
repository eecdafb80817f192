"""The report of a cohort."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from scipy import stats

from NephroSynthLib.cohort.cohort_report import KeyFigure, distribution, write_cohort_report
from NephroSynthLib.cohort.cohort_table import MISSED, REACHED, Row

FIGURE = KeyFigure("registration.ssim_after", "SSIM", 2)


def row(exam: str, ssim: float | None = 0.8, **more: str) -> Row:
    found = {"exam": exam, "status": "done", "verdict": REACHED, "reason": "", "warnings": "", "seconds": 10.0}
    return {**found, **({} if ssim is None else {FIGURE.column: ssim}), **more}


ROWS = [row(f"e{place}", 0.80 + 0.01 * (place % 3)) for place in range(9)]
ODD = row("odd & far", 0.3)
FAILED = row("broken", None, status="failed", verdict="", reason="The <file> is cut short.")
GATE = row("gate", 0.81, verdict=MISSED, warnings="Look. | Look again.")


def test_deviations_are_robust() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.02, 21)
    found = distribution(FIGURE, [row(str(place), float(value)) for place, value in enumerate(values)])
    assert found is not None
    scale = stats.median_abs_deviation(values, scale="normal")
    expected = np.abs(values - np.median(values)) / scale
    np.testing.assert_allclose([found.outlying(str(place)) for place in range(21)], expected, rtol=1e-4)


def test_few_or_equal_values_have_no_outlier() -> None:
    few = distribution(FIGURE, [row("a", 0.1), row("b", 0.9)])
    equal = distribution(FIGURE, [row(str(place)) for place in range(8)])
    assert few is not None
    assert equal is not None
    assert few.outlying("a") == equal.outlying("1") == 0.0
    assert distribution(FIGURE, [FAILED]) is None


def test_exams_to_look_at_come_first_with_links_and_reasons(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_cohort_report([*ROWS, GATE, ODD, FAILED], "exams", ["exams.csv"], path)
    html = path.read_text()
    names = re.findall(r'<td class="text name">(?:<a href="[^"]*">)?([^<]*)', html)
    assert names[:3] == ["broken", "gate", "odd &amp; far"]
    assert len(names) == 12
    assert 'href="exams/odd%20%26%20far/report.html"' in html
    assert "exams/broken" not in html
    assert "The &lt;file&gt; is cut short." in html
    assert "SSIM around the kidneys after registration: 0.30, median 0.81." in html
    assert "1 failed, 1 missed the registration gate, 1 with an outlying figure, 1 with warnings." in html
    assert "Look again." in html
    assert "http" not in html
