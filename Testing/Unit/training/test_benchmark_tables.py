from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from NephroSynthLib.training.benchmark_tables import COLUMNS, SET_COLUMNS, Row, cells, write_tables


def _row(method: str, level: float) -> Row:
    exams = [{"psnr_db": level + 0.1 * index, "ms_ssim": None, "seconds": 12.0} for index in range(8)]
    return Row(method, f"{method}, a title", exams, {"fid_ax": 123.456})


def test_the_files_hold_every_figure(tmp_path: Path) -> None:
    rows = [_row("dssnict", 25.0), _row("kinetic", 20.0)]
    names = [f"exam {index}" for index in range(8)]
    write_tables(tmp_path, rows, names, "small", "dssnict")

    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 16
    assert lines[9] == {"method": "kinetic", "exam": "exam 1", "psnr_db": "20.1", "ms_ssim": "", "seconds": "12.0"}

    content = json.loads((tmp_path / "table.json").read_text("utf-8"))
    kinetic = content["methods"][1]
    assert content["budget"] == "small"
    assert kinetic["means"]["psnr_db"]["value"] == pytest.approx(20.35)
    assert kinetic["means"]["psnr_db"]["p"] == pytest.approx(2 / 2**8)  # all eight exams differ in one direction
    assert "ms_ssim" not in kinetic["means"]
    assert content["methods"][0]["means"]["psnr_db"]["p"] is None  # dsSNICT itself

    text = (tmp_path / "table.md").read_text("utf-8")
    assert "| kinetic | 20.3* (20.2 to 20.5) |" in text
    assert "| dssnict | 25.3 (25.2 to 25.5) |" in text
    assert "not corrected for many tests" in text


def test_there_is_a_cell_for_each_column() -> None:
    row = _row("kinetic", 20.0)
    found = cells(row, [row], "dssnict")
    assert len(found) == len(COLUMNS) + len(SET_COLUMNS)
    assert found[list(COLUMNS).index("seconds")] == "12"
    assert found[list(COLUMNS).index("ssim")] == "–"
    assert found[len(COLUMNS)] == "123"
