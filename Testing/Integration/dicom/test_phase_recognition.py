from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "Benchmarks/phase_recognition.py"


def test_whole_exams_of_each_kind_of_description_are_recognized_with_the_bundled_segmenter() -> None:
    """The first studies of the benchmark, one of each kind; it ends with 1 where one is wrong that was called sure."""
    command = [sys.executable, str(BENCHMARK), "--studies", "5", "--first-seed", "930000"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr + run.stdout
    assert "WRONG" not in run.stdout
    for kind in ("foreign", "empty", "misleading", "the same", "meaningless"):
        assert f" {kind} " in run.stdout
