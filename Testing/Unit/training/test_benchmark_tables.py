from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from NephroSynthLib.training.benchmark_tables import DASH, Row, tables, write_tables


def _row(method: str, level: float) -> Row:
    exams = [{"psnr_db": level + 0.1 * index, "ms_ssim": None, "seconds": 12.0} for index in range(8)]
    return Row(method, f"{method}, a title", exams, {"fid_ax": 123.456})


def test_the_files_hold_every_figure(tmp_path: Path) -> None:
    rows = [_row("dssnict", 25.0), _row("kinetic", 20.0)]
    names = [f"exam {index}" for index in range(8)]
    write_tables(tmp_path, rows, names, "small", "dssnict", "the network x.pt")

    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 16
    assert lines[9] == {"method": "kinetic", "exam": "exam 1", "psnr_db": "20.1", "ms_ssim": "", "seconds": "12.0"}

    content = json.loads((tmp_path / "table.json").read_text("utf-8"))
    kinetic = content["methods"][1]
    assert (content["budget"], content["features"]) == ("small", "the network x.pt")
    assert kinetic["means"]["psnr_db"]["value"] == pytest.approx(20.35)
    assert kinetic["means"]["psnr_db"]["p"] == pytest.approx(2 / 2**8)  # all eight exams differ in one direction
    assert "ms_ssim" not in kinetic["means"]
    assert content["methods"][0]["means"]["psnr_db"]["p"] is None  # dsSNICT itself

    text = (tmp_path / "table.md").read_text("utf-8")
    assert "| kinetic | 20.3* (20.2 to 20.5) |" in text
    assert "| dssnict | 25.3 (25.2 to 25.5) |" in text
    assert "not corrected for many tests" in text
    assert "FID, bMMD² and FDS use the features of the network x.pt, IS" in text


def test_the_exams_that_have_a_figure_give_its_mean() -> None:
    rows = [_row("dssnict", 25.0), _row("kinetic", 20.0)]
    rows[1].exams[0].pop("psnr_db")
    images = tables(rows, "dssnict")[0]
    assert images.rows[0][1] == "25.3 (25.2 to 25.5)"
    assert images.rows[1][1] == "20.4* (20.3 to 20.5), n = 7"
    for exam in rows[1].exams[:-1]:
        exam["psnr_db"] = None
    assert tables(rows, "dssnict")[0].rows[1][1] == "20.7, n = 1"
    assert rows[1].to_dict(rows[0])["means"]["psnr_db"] == {
        "value": 20.7, "low": 20.7, "high": 20.7, "p": None, "exams": 1
    }  # fmt: skip


def test_each_method_has_a_cell_for_each_column() -> None:
    row = Row(
        "kinetic", "", [{"psnr_db": 20.0, "seconds": 12.0, "cortex_error_hu": -3.0}] * 3,
        {"fid_ax": 123.456, "fds": None, "cortex_hu_correlation": 0.91}, ["cortex"],
    )  # fmt: skip
    images, kidneys, sets, organs = tables([row], "dssnict")
    for table in (images, kidneys, sets, organs):
        assert [len(cells) for cells in table.rows] == [len(table.columns) + 1]
        assert table.rows[0][0] == "kinetic"
        assert "{" not in table.about
    found = dict(zip(images.columns, images.rows[0][1:], strict=True))
    assert (found["PSNR (dB)"], found["seconds"], found["SSIM"]) == ("20.0 (20.0 to 20.0)", "12", DASH)
    assert dict(zip(sets.columns, sets.rows[0][1:], strict=True)) == {
        "FID-Ax": "123", "FID-Cor": DASH, "FID-Sag": DASH, "bMMD²": DASH, "IS": DASH, "FDS": DASH, "DS": DASH,
        "MS-SSIM of pairs": DASH,
    }  # fmt: skip
    assert organs.rows[0][1] == "-3.0 (-3.0 to -3.0), r 0.91"
    assert "Dice" in kidneys.columns


def test_a_benchmark_without_organs_has_no_table_of_them() -> None:
    assert [table.title for table in tables([_row("kinetic", 20.0)], "dssnict")] == [
        "Images", "Kidneys", "Sets of slices"
    ]  # fmt: skip
