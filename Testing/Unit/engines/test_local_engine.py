"""Tasks in processes of this machine."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from cohort_works import Step, count_calls, crash_on_two, leave_a_trace, tell_environment

from NephroSynthLib.engines.engine import Lost
from NephroSynthLib.engines.local_engine import LocalEngine

pytestmark = pytest.mark.system("processes")


def test_each_process_carries_out_one_task_after_another() -> None:
    outcomes = dict(LocalEngine(2).run(count_calls, [Step(number, seconds=0.02) for number in range(12)]))
    assert sorted(step.number for step in outcomes) == list(range(12))
    processes = {process for process, _ in outcomes.values()}
    assert len(processes) == 2  # so that libraries and models are loaded once in each
    for process in processes:
        calls = sorted(count for one, count in outcomes.values() if one == process)
        assert calls == list(range(1, len(calls) + 1))


def test_a_crash_takes_only_its_own_task_with_it() -> None:
    outcomes = {step.number: found for step, found in LocalEngine(1).run(crash_on_two, list(map(Step, range(5))))}
    assert outcomes.pop(2) == Lost("Its process ended by signal 11.")
    assert outcomes == {number: number for number in (0, 1, 3, 4)}


def test_closing_ends_the_tasks_and_their_processes(tmp_path: Path) -> None:
    steps = [Step(0, str(tmp_path)), *(Step(number, str(tmp_path), 60.0) for number in range(1, 6))]
    outcomes = LocalEngine(2).run(leave_a_trace, steps)
    assert next(outcomes)[0].number == 0
    start = time.monotonic()
    outcomes.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 5
    assert len(list(tmp_path.glob("*.ended.*"))) == 1
    spawned = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
    assert spawned == []


def test_processes_share_the_processors_and_have_temporary_files_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    ((_, found),) = LocalEngine(4).run(tell_environment, [Step(0)])
    assert found["OMP_NUM_THREADS"] == "2"
    assert not Path(found["TMPDIR"]).exists()
