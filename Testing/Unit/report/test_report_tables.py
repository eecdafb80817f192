"""The tables of a report: figures with their units, without paths of the machine."""

from __future__ import annotations

import pytest

from NephroSynthLib.evaluation.regions import RegionStatistics
from NephroSynthLib.report.report_tables import (
    enhancement_table,
    registration_table,
    settings_table,
    timings_table,
    verdicts,
    without_paths,
)


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
    table = timings_table({"segment": 1.5, "judge": 2.25}, 812.4)
    assert dict(table.rows) == {
        "Segment": "1.5 s",
        "Judge": "2.2 s",
        "These stages together": "3.8 s",
        "Peak memory": "812 MiB",
    }
    assert "reading and writing" in table.note


def test_a_cyst_does_not_shift_the_headline_of_the_enhancement() -> None:
    """The mean of a kidney that is one third cyst is far from the HU of its parenchyma."""
    rows = [
        RegionStatistics("right", "kidney", phase, mean, 60.0, median, 150.0)
        for phase, mean, median in (("noncontrast", 22.0, 32.0), ("synthetic", 125.0, 182.0))
    ]
    registration = {"passed": True, "ssim_before": 0.4, "ssim_after": 0.8, "gate": 0.65, "mode": "affine"}
    box = verdicts(registration, {"right": 150.0, "left": 140.0}, rows, "synthetic", "noncontrast", None)[2]
    assert box.headline == "+150 HU in the kidneys"
    assert box.lines == ("median, non-contrast → synthetic", "right 32 → 182 HU")


def test_a_missed_gate_never_looks_reached() -> None:
    registration = {"passed": False, "ssim_before": 0.4, "ssim_after": 0.6498, "gate": 0.65, "mode": "affine"}
    box = verdicts(registration, {"right": 150.0}, [], "synthetic", "noncontrast", None)[0]
    assert box.lines == ("SSIM 0.40 → 0.6498 at the kidneys", "gate 0.6500, mode affine")
    figures = {"ssim_affine": 0.5, "min_jacobian": 0.8, "kidney_shift_mm": {}, "kidney_dice_before": {}}
    rows = dict(registration_table({"Excretory phase": {**registration, **figures}}).rows)
    assert (rows["SSIM as returned"], rows["Gate"]) == ("0.6498", "0.6500")


def test_the_estimated_enhancement_says_that_a_kinetic_model_made_it() -> None:
    table = enhancement_table(
        {
            "method": "estimate by a kinetic model",
            "cortex": {"mean_hu": 131.4, "sd_hu": 18.9},
            "medulla": {"mean_hu": 136.0, "sd_hu": 21.2},
            "measured_excretory": {"kidney": 61.0, "spleen": None, "parenchyma_ml": 300.0},
        }
    )
    assert "estimate by a kinetic model" in table.title
    assert table.rows == (("Cortex", "131 ± 19"), ("Medulla", "136 ± 21"))
    assert "(kidney 61; HU)" in table.note
