"""Figures of readers as they stand in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.cli.reader_tables import agreement_lines
from NephroSynthLib.cli.summaries import print_summary


def reader(name: str, value: float | None, p: float | None) -> dict[str, Any]:
    share = {"count": 8, "total": 10, "value": value, "lower": 0.49, "upper": 0.943}
    shares = dict.fromkeys(("accuracy", "sensitivity", "specificity"), share)
    return {"reader": name, **shares, "quality": {"pairs": 5, "real": 4.5, "synthetic": None, "p": p}}


def test_each_reader_has_a_line_and_a_missing_figure_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    readers = [reader("R1", 0.8, 0.0421), reader("R2", None, 0.00002), reader("R3", 0.8, None)]
    print_summary("reader-study evaluate", {"readers": readers, "agreement": []}, Path("x"), 1.0)
    lines = capsys.readouterr().out.splitlines()
    assert (
        "  ".join(lines[0].split())
        == "reader  accuracy  sensitivity  specificity  quality  real  quality  synthetic  P"
    )
    assert lines[1].split() == ["R1", *["80%", "(49%", "to", "94%)"] * 3, "4.50", "-", "0.042"]
    assert lines[2].split() == ["R2", "-", "-", "-", "4.50", "-", "<", "0.001"]
    assert lines[3].split()[-1] == "-"


def test_agreement_is_told_with_its_interval() -> None:
    found = {"readers": "R1, R2", "pictures": 8, "kappa": 0.612, "lower": 0.3, "upper": None}
    assert list(agreement_lines({"agreement": [found]})) == ["Weighted kappa of R1, R2: 0.61 (0.30 to -), 8 pictures"]
