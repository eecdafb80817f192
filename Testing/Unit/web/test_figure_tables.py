"""Tests the figures of the side panel."""

from __future__ import annotations

from typing import Any

from NephroSynthLib.web.figure_tables import doubts_of, tables_of

METRICS = {
    "psnr_db": 26.31,
    "ssim": 0.84,
    "ms_ssim": 0.9,
    "mae_hu": 12.7,
    "rmse_hu": 19.5,
    "bias_hu": 1.0,
    "ncc": 0.97,
    "voxels": 9,
}
PART = {"around": {"window": METRICS, "hu": METRICS}, "inside": None}
RUN: dict[str, Any] = {
    "metrics": {
        **PART,
        "region": "around kidneys",
        "covered": 1.0,
        "frechet_distance": 0.1,
        "kidneys": {},
        "references": {"excretory phase": PART, "kinetic baseline": PART},
    }
}


def test_similarity_stands_beside_images_without_a_model() -> None:
    first, second = tables_of(RUN)
    assert [row[0] for row in first.rows] == ["Synthetic phase", "Excretory phase", "Kinetic baseline"]
    assert first.rows[0][1:3] == ("26.3", "12.7")
    assert second.rows[0][0] == "PSNR (dB)"


def test_a_run_without_an_acquired_phase_or_without_figures_has_fewer_tables() -> None:
    assert tables_of({"metrics": None}) == []
    assert tables_of({}) == []


def test_warnings_and_notes_hold_no_path_and_the_reasons_of_the_verdict_are_notes() -> None:
    summary = {
        "registration": {"passed": False, "reasons": ["SSIM is 0.4."]},
        "warnings": ["No delay in /home/someone/x.nii.gz."],
        "notes": ["Done.", "No delay in /home/someone/x.nii.gz."],  # a warning is not told twice
    }
    assert doubts_of(summary) == (["No delay in x.nii.gz."], ["SSIM is 0.4.", "Done."])
    assert doubts_of({}) == ([], [])
