from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "Benchmarks/phase_recognition.py"
SMALL_STUDIES = 930_028
"""The first of five seeds whose studies have half as many voxels as usual."""


def test_whole_exams_of_each_kind_of_description_are_recognized_with_the_bundled_segmenter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five studies of the benchmark, one of each kind; it returns 1 where one is wrong that was called sure."""
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), "--studies", "5", "--first-seed", str(SMALL_STUDIES)])
    status = runpy.run_path(str(BENCHMARK))["main"]()
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "WRONG" not in shown
    for kind in ("foreign", "empty", "misleading", "the same", "meaningless"):
        assert f" {kind} " in shown
