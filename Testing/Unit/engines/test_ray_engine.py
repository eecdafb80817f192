"""Tasks on a Ray cluster of two nodes on this machine, one of which is killed."""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from cohort_works import Step, count_calls, leave_a_trace, write_slowly

from NephroSynthLib.cohort.cohort_run import CohortRequest, run_cohort
from NephroSynthLib.engines.engine import Resources
from NephroSynthLib.engines.ray_engine import RayEngine
from NephroSynthLib.errors import ResourceError
from NephroSynthLib.files.staging import remove_leftovers
from NephroSynthLib.progress import Progress

pytest.importorskip("ray", reason="Ray is not installed (pip install 'nephrosynth[ray]')")

TESTING = Path(__file__).resolve().parents[2]
T = TypeVar("T")
TINY = 0.1
"""Memory of a task in GB."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node without processors and two nodes with one processor each."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:  # so that its processes find the tasks of the tests
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([*map(str, (TESTING.parent, TESTING)), os.environ.get("PYTHONPATH", "")])
        )
        patch.setenv("RAY_worker_niceness", "0")  # Ray's own, 15, starves its workers on a busy machine
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        for _ in range(2):
            cluster.add_node(num_cpus=1, memory=10**9, **small)
    yield cluster
    cluster.shutdown()


def test_resources_that_no_machine_has_are_refused(cluster: Any) -> None:
    for resources in (Resources(1, 0.5, TINY, cluster.address), Resources(1, 0.0, 1e6, cluster.address)):
        with pytest.raises(ResourceError, match="No machine of the cluster has"):
            next(RayEngine(resources).run(count_calls, [Step(0)]))


def test_a_worker_keeps_what_it_has_loaded(cluster: Any) -> None:
    engine = RayEngine(Resources(2, memory_gb=TINY, address=cluster.address))
    outcomes = [found for _, found in engine.run(count_calls, [Step(number) for number in range(10)])]
    processes = {process for process, _ in outcomes}
    assert len(processes) < 10
    assert max(count for _, count in outcomes) > 1


def test_a_broken_exam_is_recorded_and_stops_nothing(cluster: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "exams.csv"
    manifest.write_text("exam,noncontrast,excretory\none,a.nii.gz,b.nii.gz\n")
    request = CohortRequest(
        manifest=manifest,
        out=tmp_path / "out",
        engine="ray",
        workers=1,
        memory_per_exam=TINY,
        address=cluster.address,
    )
    summary = run_cohort(request, Progress(stage_name="exams"))
    assert summary["failed"].keys() == {"one"}
    with (tmp_path / "out/exams.csv").open(newline="") as file:
        assert [row["error"] for row in csv.DictReader(file)] == ["UnreadableInputError"]


def test_a_cancelled_run_ends_its_tasks_and_leaves_nothing_half_written(cluster: Any, tmp_path: Path) -> None:
    engine = RayEngine(Resources(2, memory_gb=TINY, address=cluster.address))
    outcomes = engine.run(write_slowly, [Step(0, str(tmp_path)), Step(1, str(tmp_path), seconds=3600.0)])
    assert next(outcomes)[1] == 0
    half_written = _once(lambda: list(tmp_path.glob(".nephrosynth-*/result.json")))
    process = psutil.Process(int(half_written[0].parent.name.split("-")[2]))
    assert not _has_ended(process)

    outcomes.close()  # as `run_tasks` does when the user cancels
    _once(lambda: _has_ended(process))
    remove_leftovers(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _once(condition: Callable[[], T]) -> T:
    """Returns what a condition returns, as soon as it holds."""
    end = time.monotonic() + 120.0
    while not (found := condition()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
    return found


def test_all_tasks_end_once_though_a_node_is_killed(cluster: Any, tmp_path: Path) -> None:
    """The last test of this file, since a node is gone after it."""
    engine = RayEngine(Resources(2, memory_gb=TINY, address=cluster.address))
    ended = []
    for step, outcome in engine.run(leave_a_trace, [Step(number, str(tmp_path), 0.3) for number in range(24)]):
        assert outcome == step.number
        ended.append(outcome)
        if len(ended) == 6:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    assert sorted(ended) == list(range(24))
    begun = Counter(path.name.split(".")[0] for path in tmp_path.glob("*.begun.*"))
    again = [number for number, count in begun.items() if count > 1]
    assert len(again) <= 2  # what the lost node had begun
    assert {path.name.split(".")[0] for path in tmp_path.glob("*.ended.*")} == set(map(str, range(24)))
