"""The summary of a job as text in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.cli.summaries import print_summary

ACQUISITION = {
    "series": 2,
    "part": 1,
    "images": 40,
    "spacing_mm": [0.7, 0.7, 2.0],
    "phase": "non-contrast",
    "probability": 0.97,
    "sure": False,
    "why": [{"what": "no iodine"}],
    "reconstructions": ["3"],
    "contradictions": ["the words say excretory"],
}
FOUND = {"exams": [{"patient": 1, "acquisitions": [ACQUISITION]}], "set_aside": [], "skipped": [{"why": "no image"}]}
REGISTRATION = {"mode": "two-stage", "passed": False, "ssim_before": 0.4, "ssim_after": 0.5, "gate": 0.65}

LANDMARKS = {"pairs": 6, "registered_mean": 1.23, "registered_worst": 3.4, "fit_mean": 2.0, "held_out_mean": 2.5}


@pytest.mark.parametrize(
    ("command", "summary", "words"),
    [
        (
            "register",
            {"registration": REGISTRATION, "notice": "Research."},
            ["missed", "Result: out", "Research."],
        ),
        (
            "register",
            {"registration": {**REGISTRATION, "landmarks": LANDMARKS}},
            ["6 pairs", "1.2 mm after", "(worst 3.4)", "2.5 mm at pairs left out of the fit"],
        ),
        (
            "transform",
            {"from": "excretory", "to": "noncontrast", "inverse_error_mm": 0.061},
            ["from the excretory to the non-contrast frame", "at most 0.06 mm", "Result: out"],
        ),
        ("segment", {"segmentation": {"right": 149.6, "left": 160.2}}, ["right kidney", "150 ml", "160 ml"]),
        ("run", {"timings_s": {"a": 4.0, "b": 3.0}, "peak_memory_mb": 2048.0}, ["15 s", "2.0 GiB", "Report: out"]),
        ("train", {"bundle": "b.safetensors"}, ["Bundle: b.safetensors"]),
        ("simulate", {"exams": ["out/exam-0"]}, ["Simulated exam: out/exam-0"]),
        (
            "benchmark",
            {
                "tables": [
                    {"title": "Images", "columns": ["PSNR (dB)"], "rows": [["kinetic", "18.2"]]},
                    {"title": "Kidneys", "columns": ["Dice"], "rows": [["kinetic", "0.91"]]},
                ],
                "page": "bench/index.html",
            },
            ["Images", "PSNR (dB)", "kinetic", "18.2", "Kidneys", "Dice", "0.91", "Page: bench/index.html"],
        ),
        (
            "generate",
            {
                "title": "ASCII(2)",
                "model": "mine",
                "learned_from": "simulated exams only",
                "notice": "Synthetic CT.",
                "images": [{"file": f"synthetic_volume_ascii-2_{n:04d}.nii.gz"} for n in (1, 2)],
            },
            [
                "ASCII(2)",
                "mine, learned from simulated exams only",
                "2: synthetic_volume_ascii-2_0001.nii.gz to",
                "Result: out",
                "Synthetic CT.",
            ],
        ),
        (
            "reader-study make",
            {"study": "study-1", "pictures": 16, "exams": 2, "page": "s/reading.html", "key": "key.json"},
            ["16 of 2 exams", "For readers: s/reading.html", "Key, not for readers: key.json"],
        ),
        ("prepare", {"cases": 3, "held_out": ["y"], "skipped": {"x": "no mask"}}, ["left out: x", "no mask", "y"]),
        ("send", {"stored": 2, "sent": 3}, ["2 of 3"]),
        ("phases", FOUND, ["2.1", "97%, ask", "0.7 × 0.7 × 2", "no iodine", "also in series 3", "1 file", "excretory"]),
    ],
)
def test_a_summary_shows_its_figures_and_places(
    command: str, summary: dict[str, Any], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(command, summary, Path("out"), 15.2)
    shown = capsys.readouterr().out
    assert [word for word in words if word not in shown] == []


def test_a_missed_gate_never_looks_reached(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary("register", {"registration": {**REGISTRATION, "ssim_after": 0.6498}}, None, 1.0)
    shown = capsys.readouterr().out
    assert "0.6498 after" in shown
    assert "0.6500, missed" in shown
