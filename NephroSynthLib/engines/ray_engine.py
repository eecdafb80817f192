"""The engine of a cluster: Ray places one task for each exam, and places it again if its machine is lost."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from NephroSynthLib.engines.engine import Lost, Resources, Work, thread_limits
from NephroSynthLib.errors import Action, ResourceError

RETRIES = 3


@dataclass(frozen=True)
class RayEngine:
    """Tasks on a Ray cluster. Ray keeps its worker processes, so that libraries are loaded once in each.

    Attributes:
        resources: The resources that the exams may take.
    """

    resources: Resources

    def run(self, work: Work, tasks: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """See `Engine.run`.

        Raises:
            ResourceError: The cluster cannot be reached, or has no machine with the resources of one exam.
        """
        import ray

        needs = self._connect()
        # Ray's own default ends the process of a task with a GPU after one call (max_calls).
        remote = ray.remote(**needs, max_retries=RETRIES, max_calls=0)(_within_limits)
        limits = thread_limits(needs["num_cpus"])
        waiting, running = iter(tasks), dict[Any, Any]()
        try:
            while True:
                for task in islice(waiting, self.resources.workers - len(running)):
                    running[remote.remote(work, task, limits)] = task
                if not running:
                    return
                for ended in ray.wait(list(running))[0]:
                    task = running.pop(ended)
                    try:
                        yield task, ray.get(ended)
                    except ray.exceptions.RayError as error:
                        yield task, Lost(_why(error))
        finally:
            for task in running:
                ray.cancel(task, force=True)
            ray.shutdown()

    def _connect(self) -> dict[str, Any]:
        """Connects to the cluster, or starts one, and returns the resources that a task asks for."""
        import ray

        wanted, memory = self.resources, int(self.resources.memory_gb * 1e9)
        try:
            ray.init(
                wanted.address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            raise ResourceError("The Ray cluster cannot be reached.", Action.CHECK_CLUSTER) from error
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(one.get("GPU", 0) >= wanted.gpus_per_exam and one.get("memory", 0) >= memory for one in nodes):
            ray.shutdown()
            raise ResourceError(
                f"No machine of the cluster has {wanted.gpus_per_exam:g} GPU and {wanted.memory_gb:g} GB for an exam.",
                Action.CHECK_CLUSTER,
            )
        counts = [int(one.get("CPU", 1)) for one in nodes]
        cpus = max(1, min(max(counts), sum(counts) // wanted.workers))
        return {"num_cpus": cpus, "num_gpus": wanted.gpus_per_exam, "memory": memory}


def _within_limits(work: Work, task: Any, limits: Mapping[str, str]) -> Any:
    """Carries out a task in a process of the cluster, whose libraries are to take so many threads."""
    os.environ.update(limits)
    return work(task)


def _why(error: Exception) -> str:
    """Returns why a task has no outcome, as a sentence."""
    cause = getattr(error, "cause", None)
    if cause is None:
        return f"Its process or machine was lost {RETRIES + 1} times ({type(error).__name__})."
    return (
        f"A machine of the cluster could not begin it ({type(cause).__name__}). "
        "NephroSynth must be installed there in the same version."
    )
