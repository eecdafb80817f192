from __future__ import annotations

import runpy
import sys
from functools import partial
from pathlib import Path

import pytest

from NephroSynthLib.simulation import Grid, simulate

BENCHMARK = Path(__file__).parents[2] / "Benchmarks/phase_recognition.py"
SMALL = Grid((40, 84, 112), (2.8, 2.8, 4.0), (-155.0, -118.0, -78.0))
"""A field of view about the kidneys, with a tenth of the usual voxels."""


def test_whole_exams_of_each_kind_of_description_are_recognized_with_the_bundled_segmenter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five studies of the benchmark, one of each kind; it returns 1 where one is wrong that was called sure."""
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), "--studies", "5"])
    status = runpy.run_path(str(BENCHMARK))["main"](partial(simulate, reference=SMALL))
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "WRONG" not in shown
    for kind in ("foreign", "empty", "misleading", "the same", "meaningless"):
        assert f" {kind} " in shown
