"""The state machine of a task: each transition, each early end, and the temporary folder."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import Cancelled, NephroSynthError, UsageError, WorkerError
from NephroSynthLib.progress import ProgressEvent
from NephroSynthLib.session.steps import Step, Steps
from NephroSynthLib.session.task import Plan, State, Task, TaskListener
from NephroSynthLib.session.worker_job import CANCEL_WITHIN_MS


class Story:
    """A plan with two steps on each side of the worker, and a record of all that happens.

    Attributes:
        problems: The error to raise in a state.
        survives: Whether the task goes on without its worker.
    """

    def __init__(self, loop: Any, temporary: Path) -> None:
        self.problems: dict[State, Exception] = {}
        self.survives = False
        self.events: list[tuple[State, ProgressEvent]] = []
        self.undone: list[State] = []
        self.warnings: list[str] = []
        self.log: list[str] = []
        self.ends: list[tuple[Any, Any]] = []
        self.folder = Path()
        self.temporary = temporary
        self.loop = loop
        plan = Plan(command="run", write=self.write, load=self.load, survives=lambda: self.survives)
        listener: TaskListener[str] = TaskListener(
            on_end=self.end,
            on_progress=lambda state, event: self.events.append((state, event)),
            on_warning=self.warnings.append,
            on_log=self.log.append,
        )
        self.task = Task(loop, plan, temporary, listener)

    def write(self, folder: Path) -> Steps[dict[str, Any]]:
        self.folder = folder
        (folder / "input").touch()
        yield from self.steps(State.WRITING)
        return {"source": str(folder)}

    def load(self, folder: Path, result: dict[str, Any]) -> Steps[str]:
        assert (folder / "input").exists()
        yield from self.steps(State.LOADING)
        return f"{len(result)} results"

    def steps(self, state: State) -> Steps[None]:
        try:
            yield Step(0.0, "begin")
            if state in self.problems:
                raise self.problems[state]
            yield Step(0.5, "middle")
        except GeneratorExit:
            self.undone.append(state)
            raise

    def end(self, result: Any, error: Exception | None) -> None:
        assert self.leftovers() == [], "the folder is removed before the end is told"
        self.ends.append((result, error))

    def leftovers(self) -> list[Path]:
        return list(self.temporary.iterdir()) if self.temporary.is_dir() else []

    def reach(self, state: State) -> None:
        """Brings the task into a state."""
        if state is State.IDLE:
            return
        self.task.start()
        if state is State.WRITING:
            self.loop.turn()
        else:
            self.loop.run()
        if state in (State.LOADING, State.ENDED):
            self.loop.process.say("result", result={"a": 1})
            self.loop.process.end()
            self.loop.turn()
        if state is State.ENDED:
            self.loop.run()
        assert self.task.state is state

    @property
    def error(self) -> Exception:
        [(result, error)] = self.ends
        assert result is None
        assert self.task.state is State.ENDED
        return error


@pytest.fixture
def story(loop: Any, tmp_path: Path) -> Story:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return Story(loop, folder)


def test_a_task_goes_through_all_states_and_ends_with_its_result(loop: Any, story: Story) -> None:
    assert story.task.state is State.IDLE
    story.task.start()
    assert story.task.state is State.WRITING
    loop.run()
    assert story.task.state is State.WORKING
    assert loop.process.received == [{"command": "run", "arguments": {"source": str(story.folder)}}]
    loop.process.say("progress", stage="segment", fraction=0.25, message="Finding the kidneys")
    loop.process.say("warning", message="Look closely.")
    loop.process.listener.receive_log(b"a line\n")
    loop.process.say("result", result={"a": 1, "notes": ["It was quick."]})
    loop.process.end()
    assert story.task.state is State.LOADING
    loop.run()
    assert story.ends == [("2 results", None)]
    assert (story.warnings, story.log) == (["Look closely."], ["a line", "It was quick."])
    assert story.events == [
        (State.WRITING, ProgressEvent("", 0.0, "begin")),
        (State.WRITING, ProgressEvent("", 0.5, "middle")),
        (State.WORKING, ProgressEvent("segment", 0.25, "Finding the kidneys")),
        (State.LOADING, ProgressEvent("", 0.0, "begin")),
        (State.LOADING, ProgressEvent("", 0.5, "middle")),
    ]


def test_a_plan_without_a_command_needs_no_worker(loop: Any, tmp_path: Path) -> None:
    ends = []

    def load(folder: Path, result: dict[str, Any]) -> Steps[str]:
        yield Step(0.0, str(folder.is_dir()))
        return f"{result}"

    task = Task(loop, Plan(load=load), tmp_path, TaskListener(on_end=lambda *end: ends.append(end)))
    task.start()
    loop.run()
    assert ends == [("{}", None)]
    assert loop.processes == []


def end_early(task: Task[Any], how: str) -> None:
    getattr(task, how)()


@pytest.mark.parametrize("how", ["cancel", "end_now"])
@pytest.mark.parametrize("state", [State.IDLE, State.WRITING, State.LOADING])
def test_a_task_without_a_worker_ends_at_once_and_undoes_its_steps(
    loop: Any, story: Story, state: State, how: str
) -> None:
    story.reach(state)
    end_early(story.task, how)
    assert isinstance(story.error, Cancelled)
    assert story.undone == ([] if state is State.IDLE else [state])
    loop.wait(CANCEL_WITHIN_MS)
    assert len(story.ends) == 1


def test_cancel_while_the_worker_works_ends_within_a_second(loop: Any, story: Story) -> None:
    story.reach(State.WORKING)
    story.task.cancel()
    assert story.ends == []
    loop.wait(CANCEL_WITHIN_MS)
    loop.process.end(9, crashed=True)
    assert isinstance(story.error, Cancelled)


def test_end_now_while_the_worker_works_ends_before_it_returns(loop: Any, story: Story) -> None:
    """The scene or the application closes."""
    story.reach(State.WORKING)
    story.task.end_now()
    assert isinstance(story.error, Cancelled)
    assert not loop.process.running
    loop.process.end(9, crashed=True)
    assert len(story.ends) == 1


@pytest.mark.parametrize("how", ["cancel", "end_now", "start"])
def test_a_task_that_has_ended_stays_ended(loop: Any, story: Story, how: str) -> None:
    story.reach(State.ENDED)
    end_early(story.task, how)
    loop.run()
    assert story.ends == [("1 results", None)]


def test_a_task_starts_once(loop: Any, story: Story) -> None:
    story.task.start()
    story.task.start()
    assert len(story.leftovers()) == 1
    story.task.cancel()
    story.task.start()
    assert story.leftovers() == []


@pytest.mark.parametrize("state", [State.WRITING, State.LOADING])
def test_an_error_in_a_step_ends_the_task(loop: Any, story: Story, state: State) -> None:
    """The disk is full, or an input was removed from the scene during the run."""
    story.problems[state] = UsageError("The volume was removed.")
    story.reach(state)
    loop.run()
    assert story.error is story.problems[state]


def test_a_step_that_cannot_be_undone_is_reported_instead_of_the_cancellation(loop: Any, tmp_path: Path) -> None:
    problem, ends = OSError("stuck"), []

    def load(folder: Path, result: dict[str, Any]) -> Steps[None]:
        try:
            yield Step(0.0, "step")
        finally:
            raise problem

    task = Task(loop, Plan(load=load), tmp_path, TaskListener(on_end=lambda *end: ends.append(end)))
    task.start()
    loop.turn()
    loop.turn()
    task.cancel()
    assert ends == [(None, problem)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "crashed"), [(3, False), (11, True)])
def test_a_worker_that_dies_ends_the_task(loop: Any, story: Story, status: int, crashed: bool) -> None:
    story.reach(State.WORKING)
    loop.process.end(status, crashed)
    assert isinstance(story.error, WorkerError)


def test_a_worker_that_is_missing_ends_the_task(loop: Any, story: Story) -> None:
    loop.refusal = WorkerError("Not found.")
    story.task.start()
    loop.run()
    assert story.error is loop.refusal


def test_a_worker_that_does_not_start_ends_the_task(loop: Any, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """QProcess may report this before its start returns."""
    problem = WorkerError("Not started.")
    start = loop.start_worker

    def fail(listener: Any) -> Any:
        listener.process_not_started(problem)
        return start(listener)

    monkeypatch.setattr(loop, "start_worker", fail)
    story.task.start()
    loop.run()
    assert story.error is problem


def test_a_task_that_survives_its_worker_goes_on_and_logs_the_reason(loop: Any, story: Story) -> None:
    story.survives = True
    story.reach(State.WORKING)
    loop.process.end(3)
    loop.run()
    assert story.ends == [("0 results", None)]
    assert "with status 3" in "".join(story.log)


def test_no_task_survives_a_cancellation(loop: Any, story: Story) -> None:
    story.survives = True
    story.reach(State.WORKING)
    story.task.end_now()
    assert isinstance(story.error, Cancelled)


def test_a_temporary_folder_that_cannot_be_made_ends_the_task(loop: Any, tmp_path: Path) -> None:
    (tmp_path / "missing").touch()  # a file, where the folder should be
    story = Story(loop, tmp_path / "missing")
    story.task.start()
    assert isinstance(story.error, OSError)
    loop.run()
    assert story.events == []


@pytest.mark.parametrize(
    "ending",
    [
        lambda story: story.task.cancel(),
        lambda story: story.task.end_now(),
        lambda story: story.reach(State.ENDED) or story.loop.run(),
    ],
)
def test_a_task_that_has_ended_holds_nothing(loop: Any, tmp_path: Path, ending: Callable[[Story], None]) -> None:
    """Slicer may keep the task itself alive, so it must not keep the nodes of its plan."""
    story = Story(loop, tmp_path)
    node = type("Node", (), {})()
    kept = weakref.ref(node)

    def load(folder: Path, result: dict[str, Any], node: Any = node) -> Steps[str]:
        yield from story.steps(State.LOADING)
        return f"{node is not None}"

    story.task = Task(loop, Plan(load=load, command="run"), tmp_path, TaskListener(on_end=story.end))
    task = story.task
    ending(story)
    assert len(story.ends) == 1
    del load, node
    loop._calls.clear()
    gc.collect()
    assert kept() is None
    assert task.state is State.ENDED


def test_an_error_of_the_worker_is_the_error_of_the_task(loop: Any, story: Story) -> None:
    story.reach(State.WORKING)
    loop.process.say("error", **{"class": "GeometryError"}, what="The phases do not overlap.", traceback="")
    loop.process.end(3)
    assert isinstance(story.error, NephroSynthError)
    assert story.error.what == "The phases do not overlap."
