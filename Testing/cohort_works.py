"""Small tasks for the engines of a cohort, in a module that their processes can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from NephroSynthLib.files.staging import staged_folder

_calls = 0


class Step(NamedTuple):
    """A task: its number, the folder for its traces, and the seconds that it takes."""

    number: int
    folder: str = ""
    seconds: float = 0.0


def count_calls(step: Step) -> tuple[int, int]:
    """Returns the process and how many tasks it has had."""
    global _calls
    _calls += 1
    time.sleep(step.seconds)
    return os.getpid(), _calls


def leave_a_trace(step: Step) -> int:
    """Writes a file when it begins and one when it ends; a second call after that finds it done, as an exam does."""
    folder = Path(step.folder)
    (folder / f"{step.number}.begun.{time.time_ns()}").touch()
    time.sleep(step.seconds)
    (folder / f"{step.number}.ended.{time.time_ns()}").touch()
    return step.number


def write_slowly(step: Step) -> int:
    """Writes a folder as a run does: under a temporary name until it is whole."""
    with staged_folder(Path(step.folder) / str(step.number)) as folder:
        (folder / "result.json").touch()
        time.sleep(step.seconds)
    return step.number


def crash_on_two(step: Step) -> int:
    """Ends its process on number 2, as a crash of native code does."""
    if step.number == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    return step.number


def tell_environment(step: Step) -> dict[str, str]:
    """Returns the environment of its process."""
    return dict(os.environ)
