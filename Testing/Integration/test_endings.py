"""However a command ends, at whatever moment: no partial output, no temporary data, no process left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

COMMAND = Path(sys.executable).with_name("nephrosynth")
PATIENCE_S = 600.0
SMALL_EXAM = "77"
"""The seed of an exam of two million voxels, a fifth of the usual number, so that an image comes soon."""


@dataclass(frozen=True)
class Running:
    """A `simulate` of more exams than there is time for, with folders of its own for output and temporary data."""

    process: subprocess.Popen[str]
    output: Path
    temporary: Path

    def worker(self) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children()
        return children[0] if children else None

    def wait_for(self, moment: Callable[[Running], object]) -> None:
        patience = time.monotonic() + PATIENCE_S
        while not moment(self):
            assert self.process.poll() is None, "it ended too early"
            assert time.monotonic() < patience, "the moment never came"
            time.sleep(0.005)

    def files(self) -> list[Path]:
        return [*self.output.rglob("*"), *self.temporary.rglob("*")]


def wait_for_end(process: psutil.Process) -> None:
    """Waits until a process is gone, or a zombie where nobody reaps it."""
    patience = time.monotonic() + PATIENCE_S
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < patience, "it did not end"
        time.sleep(0.005)


# Moments at which a run can be ended, in the order in which they come.
MOMENTS: dict[str, Callable[[Running], object]] = {
    "its worker has been started": lambda run: run.worker(),
    "its worker is loading libraries": lambda run: list(run.temporary.glob(".nephrosynth-*")),
    "it simulates": lambda run: list(run.output.iterdir()),
    "it writes an image": lambda run: list(run.output.rglob("*.nii.gz")),
}


def _hear_ctrl_c() -> None:
    """Where tests run in the background of a shell, Ctrl-C is ignored, which children inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Running]:
    output, temporary = tmp_path / "output", tmp_path / "temporary"
    output.mkdir()
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    words = [COMMAND, "simulate", "--out", output / "exams", "--count", "50", "--seed", SMALL_EXAM]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdout=pipe, stderr=pipe, text=True, env=environment, preexec_fn=_hear_ctrl_c
    ) as process:
        running = Running(process, output, temporary)
        yield running
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_ends_a_run_and_leaves_nothing(run: Running, moment: str) -> None:
    run.wait_for(MOMENTS[moment])
    worker = run.worker()
    run.process.send_signal(signal.SIGINT)
    said = run.process.communicate(timeout=PATIENCE_S)[1]
    assert run.process.returncode == 130
    assert said.splitlines()[-1] == "Error: Cancelled. Nothing was written."
    if worker is not None:
        wait_for_end(worker)
    assert run.files() == []


@pytest.mark.parametrize("moment", ["its worker is loading libraries", "it writes an image"])
def test_a_killed_worker_is_a_clear_error_and_leaves_nothing(run: Running, moment: str) -> None:
    run.wait_for(MOMENTS[moment])
    worker = run.worker()
    assert worker is not None
    worker.kill()
    said = run.process.communicate(timeout=PATIENCE_S)[1]
    assert run.process.returncode == 5
    assert "memory" in said.splitlines()[-1]
    assert run.files() == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_worker_of_a_killed_command_ends_by_itself_and_leaves_nothing(run: Running, how: signal.Signals) -> None:
    run.wait_for(MOMENTS["it writes an image"])
    worker = run.worker()
    assert worker is not None
    run.process.send_signal(how)
    wait_for_end(worker)
    assert run.files() == []


@pytest.mark.parametrize("seed", range(3))
def test_killing_everything_at_a_random_moment_leaves_no_output_and_the_next_run_cleans_up(
    run: Running, seed: int
) -> None:
    run.wait_for(MOMENTS["it simulates"])
    time.sleep(random.Random(seed).uniform(0.0, 4.0))
    worker = run.worker()
    assert worker is not None
    worker.kill()
    run.process.kill()
    run.process.wait()
    wait_for_end(worker)
    assert not (run.output / "exams").exists()
    hidden = [path.name for path in run.output.iterdir()]
    assert all(name.startswith(".nephrosynth-") for name in hidden)

    from NephroSynthLib.files.staging import remove_leftovers

    for folder in (run.output, run.temporary):  # as the next run does
        remove_leftovers(folder)
    assert run.files() == []
