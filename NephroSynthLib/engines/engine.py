"""Engines carry out one task for each exam, in processes of this machine or on a cluster; they share this interface."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Work = Callable[[Any], Any]
"""A function of a module that takes a task and returns its outcome. It raises no error of the task."""


class Lost(NamedTuple):
    """The outcome of a task whose process ended before the task did.

    Attributes:
        reason: The cause, as a sentence.
    """

    reason: str


class Engine(Protocol):
    """Carries out tasks."""

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Yields each task with its outcome, or with `Lost`, in the order in which they end.

        A process that loads libraries or models for one task keeps them for the next ones. Closing the iterator ends
        the tasks that are not done.

        Args:
            work: Carries out one task.
            tasks: The tasks, which can be pickled.
        """


@dataclass(frozen=True)
class Resources:
    """The resources that the exams may take.

    Attributes:
        workers: Exams at the same time, on all machines together.
        gpus_per_exam: GPUs that a cluster reserves for an exam; may be a fraction.
        memory_gb: Memory that a cluster reserves for an exam.
        address: The address of a running cluster; empty starts one on this machine.
    """

    workers: int = 1
    gpus_per_exam: float = 0.0
    memory_gb: float = 4.0
    address: str = ""


def thread_limits(threads: int) -> dict[str, str]:
    """Returns the environment in which libraries take so many threads; variables that the user has set stay."""
    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    return {name: os.environ.get(name, str(threads)) for name in names}
