"""The tables of a report: figures with their units, without paths of the machine."""

from __future__ import annotations

import pytest

from NephroSynthLib.report.report_tables import settings_table, timings_table, verdicts, without_paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/doe/net.safetensors", "net.safetensors"),
        ("The file C:\\Users\\doe\\x.nii was read.", "The file x.nii was read."),
        ("SSIM 0.4/0.5", "SSIM 0.4/0.5"),
        ("left and/or right", "left and/or right"),
    ],
)
def test_a_path_is_cut_to_the_name_of_its_file(text: str, expected: str) -> None:
    assert without_paths(text) == expected


def test_settings_are_listed_with_dotted_names() -> None:
    table = settings_table({"seed": 7, "synthesis": {"steps": 4, "delay": None}, "spacing": [1.0, 2.0]})
    assert dict(table.rows) == {"seed": "7", "synthesis.steps": "4", "synthesis.delay": "–", "spacing": "1.0 × 2.0"}


def test_times_add_up() -> None:
    rows = dict(timings_table({"segment": 1.5, "judge": 2.25}, 812.4).rows)
    assert rows == {"Segment": "1.5 s", "Judge": "2.2 s", "Total": "3.8 s", "Peak memory": "812 MiB"}


def test_a_missed_gate_never_looks_reached() -> None:
    registration = {"passed": False, "ssim_before": 0.4, "ssim_after": 0.6498, "gate": 0.65, "mode": "affine"}
    box = verdicts(registration, {"right": 150.0}, [], "synthetic", "noncontrast", None)[0]
    assert box.lines == ("SSIM 0.40 → 0.6498 at the kidneys", "gate 0.6500, mode affine")
