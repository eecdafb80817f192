"""Trainings that torchrun starts in several processes for `test_processes.py`; the folder is the only argument."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import torch
from small_trainings import MODULE, Regression, fit, ignore, interrupt_at, plan, small_recipe

from NephroSynthLib.errors import Cancelled
from NephroSynthLib.training import processes
from NephroSynthLib.training import train as training
from NephroSynthLib.training.order import TrainingOrder


def learn_a_line(folder: Path) -> None:
    """Trains for six steps with a stop by the user of the first process at the third."""
    stop = interrupt_at(3) if processes.is_first() else ignore
    try:
        fit(Regression(), plan(6), folder, stop)
        raise AssertionError("the other process did not stop")
    except Cancelled:
        trained = fit(Regression(), plan(6), folder)
    torch.save(trained.line.state_dict(), folder / f"line-{processes.rank()}.pt")


def make_a_bundle(folder: Path) -> None:
    """Trains a small dsSNICT; the first process prepares one exam and writes the bundle."""
    if processes.is_first():
        (folder / "made_in_processes.py").write_text(MODULE)
    processes.wait_for_all()
    sys.path.insert(0, str(folder))
    make_case = importlib.import_module("made_in_processes").make_case
    training._recipe = lambda order: small_recipe(make_case)  # type: ignore[assignment]
    training.HELD_OUT = range(800_000, 800_001)
    order = TrainingOrder("synthesis", folder / "run", steps=2, exams=1, batch_size=2, device="cpu")
    bundle, warnings = training.train(order, ignore)
    assert bundle.exists()
    assert not warnings


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with processes.together(torch.device("cpu")):
        learn_a_line(folder)
        make_a_bundle(folder)
