from __future__ import annotations

import csv
from pathlib import Path

import pytest

from NephroSynthLib.training.learning_curve import LearningCurve


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "metrics.csv").read_text(encoding="utf-8").splitlines()))


def test_figures_of_a_step_share_a_row_and_missing_ones_stay_empty(tmp_path: Path) -> None:
    curve = LearningCurve(tmp_path, 0)
    curve.add(10, {"loss": 0.5})
    curve.add(10, {"held_out_loss": 0.25})
    curve.add(20, {"loss": 0.125})
    assert rows(tmp_path) == [
        {"step": "10", "loss": "0.5", "held_out_loss": "0.25"},
        {"step": "20", "loss": "0.125", "held_out_loss": ""},
    ]


def test_a_resumed_curve_loses_the_rows_of_steps_that_are_done_again(tmp_path: Path) -> None:
    curve = LearningCurve(tmp_path, 0)
    for step in (10, 20, 30):
        curve.add(step, {"loss": 1 / step})
    LearningCurve(tmp_path, 20).add(30, {"loss": 7.0})
    assert [(row["step"], row["loss"]) for row in rows(tmp_path)] == [("10", "0.1"), ("20", "0.05"), ("30", "7")]


@pytest.mark.parametrize("content", [b"", b"\0\xff\n\xe4,2\n", b"loss\n0.5\n", b"step,loss\n10,0.1,7\nten,3\n,,\n\n"])
def test_a_damaged_table_keeps_the_rows_that_can_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "metrics.csv").write_bytes(content)
    LearningCurve(tmp_path, 20).add(20, {"loss": 1.0})
    assert [row["step"] for row in rows(tmp_path)] == (["10", "20"] if b"10" in content else ["20"])


def test_event_files_hold_the_same_figures(tmp_path: Path) -> None:
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    LearningCurve(tmp_path, 0).add(10, {"loss": 0.5})
    events = reading.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(10, 0.5)]
