"""Work in steps and in a thread, and its early end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from steps_at_once import finish

from NephroSynthLib.session.steps import Step, StepRunner, Steps, in_background, load_modules


def test_the_result_or_the_error_of_the_work_comes_back() -> None:
    def fail() -> None:
        raise OSError("no")

    assert finish(in_background(lambda: 3, "working")) == 3
    with pytest.raises(OSError, match="no"):
        finish(in_background(fail, "working"))


def test_the_thread_goes_on_although_the_main_thread_never_gives_python_up() -> None:
    """Slicer's event loop holds Python's lock. Here no thread can take it, and a step alone releases it."""

    def work() -> int:
        for _ in range(3):
            time.sleep(0.001)
        return 7

    before, ended, steps = sys.getswitchinterval(), None, in_background(work, "working")
    sys.setswitchinterval(1000.0)
    try:
        for _ in range(500):
            next(steps)
    except StopIteration as end:
        ended = end.value
    finally:
        sys.setswitchinterval(before)
    assert ended == 7


def test_modules_load_in_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loaded_later.py").write_text(
        "import threading\nthread = threading.current_thread()\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    finish(load_modules("loaded_later"))
    assert sys.modules.pop("loaded_later").thread is not threading.current_thread()


def test_an_early_end_waits_for_the_thread(tmp_path: Path) -> None:
    may_write, file = threading.Event(), tmp_path / "late"

    def write() -> None:
        may_write.wait(60.0)
        file.touch()

    steps = in_background(write, "writing")
    assert next(steps) == "writing"
    threading.Timer(0.1, may_write.set).start()
    steps.close()
    assert file.exists()


class Work:
    """Three steps, and a note of how they ended."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.ends: list[tuple[Any, Any]] = []
        self.undone = False

    @contextmanager
    def undo(self) -> Iterator[None]:
        try:
            yield
        except GeneratorExit:
            self.undone = True
            raise

    def steps(self) -> Steps[str]:
        with self.undo():
            for index in range(3):
                yield Step(index / 3, "step")
        return "done"

    def on_step(self, step: Step) -> None:
        self.seen.append(round(3 * step.fraction))

    def on_end(self, result: Any, error: Exception | None) -> None:
        self.ends.append((result, error))


def test_one_step_is_taken_in_each_turn(loop: Any) -> None:
    work = Work()
    StepRunner(loop, work.steps(), work.on_step, work.on_end)
    assert work.seen == []
    loop.turn()
    assert work.seen == [0]
    loop.turn()
    assert work.seen == [0, 1]
    loop.run()
    assert work.seen == [0, 1, 2]
    assert work.ends == [("done", None)]


def test_an_error_in_a_step_ends_the_work(loop: Any) -> None:
    work, problem = Work(), OSError("no")

    def failing() -> Steps[str]:
        yield Step(0.0, "first")
        raise problem

    StepRunner(loop, failing(), work.on_step, work.on_end)
    loop.run()
    assert work.ends == [(None, problem)]


def test_work_that_is_stopped_undoes_its_changes_and_does_not_end(loop: Any) -> None:
    work = Work()
    runner = StepRunner(loop, work.steps(), work.on_step, work.on_end)
    loop.turn()
    runner.stop()
    runner.stop()
    loop.run()
    assert work.undone
    assert (work.seen, work.ends) == ([0], [])


def test_work_that_is_stopped_by_its_listener_is_undone(loop: Any) -> None:
    work = Work()
    runner = StepRunner(loop, work.steps(), lambda step: runner.stop(), work.on_end)
    loop.run()
    assert work.undone
    assert work.ends == []


@pytest.mark.parametrize("last", [False, True])
def test_work_that_is_stopped_from_within_a_step_is_closed_after_that_step(loop: Any, last: bool) -> None:
    """A step may let the front end's events run, and the user may close the scene then."""
    work, runners = Work(), []

    def steps() -> Steps[str]:
        runners[0].stop()
        with work.undo():
            if not last:
                yield Step(0.0, "step")
        return "done"

    runners.append(StepRunner(loop, steps(), work.on_step, work.on_end))
    loop.run()
    assert work.undone is not last
    assert (work.seen, work.ends) == ([], [])
