from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import example

from NephroSynthLib.errors import UsageError
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods.registry import METHODS
from NephroSynthLib.progress import Progress
from NephroSynthLib.training import benchmark as room
from NephroSynthLib.training.benchmark import BUDGETS, EVERY, BenchmarkOrder, Budget, benchmark
from NephroSynthLib.training.pool import FIRST_OF_COHORT, save_case
from NephroSynthLib.training.synthesis_cases import synthesis_case

SHAPE = (6, 16, 16)


def _save(folder: Path, number: int) -> None:
    one = example(number, SHAPE)
    contrast = np.full((2, len(COMPARTMENTS)), 70.0)
    kidneys = (one.kidneys > 0).astype(np.uint8)
    save_case(
        synthesis_case(one.case.noncontrast, one.case.excretory, one.nephrographic, kidneys, contrast),
        folder / f"{FIRST_OF_COHORT + number}.npz",
    )


class _Mean(torch.nn.Module):
    def forward(self, volumes: torch.Tensor) -> torch.Tensor:
        return volumes.flatten(1)[:, :2]


def test_what_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        _save(tmp_path / "held-out", number)
    benchmark(BenchmarkOrder(tmp_path, ["kinetic"], 2, "tiny"), Progress())
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "volumes").rglob("*.npz")}
    assert len([path for path in done if path.parent.name == "kinetic"]) == 4  # two volumes and their kidneys
    assert len([path for path in done if path.parent.name == "acquired"]) == 2

    torch.jit.script(_Mean()).save(str(tmp_path / "volumes/mean.pt"))
    order = BenchmarkOrder(tmp_path, ["excretory", "kinetic"], 2, "tiny", features=tmp_path / "volumes/mean.pt")
    rows = benchmark(order, Progress())
    assert "the features of the network mean.pt" in (tmp_path / "table.md").read_text("utf-8")
    assert [row.method for row in rows] == ["excretory", "kinetic"]
    assert {path: path.stat().st_mtime_ns for path in done} == done
    error = 60.0  # the nephrographic phase is 60 HU brighter; above the window both count as 250
    assert rows[0].exams[0]["kidney_offset_hu"] == pytest.approx(-error, abs=1.0)
    assert rows[0].exams[0]["right_kidney_error_hu"] == pytest.approx(-error, abs=1.0)  # without the window
    assert rows[0].organs == ["right kidney", "left kidney"]
    assert {"segmenter_dice", "segmenter_surface_mm", "perceptual"} <= set(rows[0].exams[0])
    assert {"inception_score", "fds", "ds", "fid_cor"} <= set(rows[0].of_set)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {
        "index.html", "table.csv", "table.json", "table.md"
    }  # fmt: skip


@pytest.mark.system("processes")
def test_a_method_is_trained_once_on_the_exams_that_all_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.BUDGETS, "tiny", Budget(batches=2, exams=1))
    for folder, number in (("cases", 1), ("held-out", 2)):
        _save(tmp_path / folder, number)
    order = BenchmarkOrder(tmp_path, ["regression-2d"], 1, "tiny", device="cpu")
    (row,) = benchmark(order, Progress())
    bundle = tmp_path / "methods/regression-2d/regression-2d.safetensors"
    written = bundle.stat().st_mtime_ns
    assert row.exams[0]["psnr_db"] is not None
    assert not (tmp_path / "methods/regression-2d/cases").exists()

    def refuse(*_: object) -> None:
        raise AssertionError("it is trained already")

    monkeypatch.setattr(room, "train", refuse)
    (again,) = benchmark(order, Progress())
    assert again.exams == row.exams
    assert bundle.stat().st_mtime_ns == written


def test_a_calibrated_method_needs_both_trainings() -> None:
    order = BenchmarkOrder(Path(), ["kinetic", "ascii-2+ic-net", "ascii-2", "excretory"], 1)
    assert order.needed == ("ascii-2", "ic-net")
    assert set(EVERY) == (set(METHODS) - {"ic-net"}) | {"ascii-2+ic-net", "ascii-3+ic-net"}
    assert set(BUDGETS) == {"tiny", "small", "paper"}


@pytest.mark.parametrize("name", ["none-such", "kinetic+other", "kinetic+ic-net+ic-net"])
def test_an_unknown_method_is_refused_before_any_work(name: str) -> None:
    with pytest.raises(UsageError, match="There is no method"):
        BenchmarkOrder(Path(), [name], 1)
