"""A task of a front end: steps before the worker, the worker, and steps after it, as one state machine.

A run, an export, the sample exam, the search for phases and the question for devices are all `Plan`s of one `Task`::

    IDLE -> WRITING -> WORKING -> LOADING -> ENDED

Every state can end early, by an error, by `cancel` or by `end_now`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.jobs.conversation import Message
from NephroSynthLib.jobs.failures import traceback_of
from NephroSynthLib.progress import ProgressEvent
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.steps import Step, StepRunner, Steps
from NephroSynthLib.session.worker_job import WorkerJob

T = TypeVar("T")
Summary = dict[str, Any]


class State(Enum):
    """The state of a task."""

    IDLE = "idle"
    WRITING = "writing"
    WORKING = "working"
    LOADING = "loading"
    ENDED = "ended"


def write_nothing(folder: Path) -> Steps[Summary]:
    """Gives the worker no arguments."""
    return {}
    yield


@dataclass(frozen=True)
class Plan(Generic[T]):
    """The description of a task.

    Attributes:
        load: Takes the temporary folder and the result of the worker, and makes the result of the task. The result of
            the worker is empty if there was no worker, or if it failed and `survives` is true.
        command: The worker's job. Empty if the task needs no worker.
        write: Takes the temporary folder, writes the worker's input there and returns the worker's arguments.
        survives: Whether the task goes on although the worker failed.
    """

    load: Callable[[Path, Summary], Steps[T]]
    command: str = ""
    write: Callable[[Path], Steps[Summary]] = write_nothing
    survives: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class TaskListener(Generic[T]):
    """The callbacks of a task.

    Attributes:
        on_end: Called exactly once, with the result and None, or with None and the error. The temporary folder is
            removed by then.
        on_progress: Called with the state and an event. `stage` is empty except in the state WORKING.
        on_warning: Called with each warning of the worker.
        on_log: Called with each line for the log, and with each note of the result.
    """

    on_end: Callable[[T | None, Exception | None], None] = lambda result, error: None
    on_progress: Callable[[State, ProgressEvent], None] = lambda state, event: None
    on_warning: Callable[[str], None] = lambda text: None
    on_log: Callable[[str], None] = lambda line: None


_DEAF: TaskListener[Any] = TaskListener()


class Task(Generic[T]):
    """Carries out a plan without blocking the event loop.

    Args:
        loop: The event loop of the front end.
        plan: The description of the task.
        temporary: The folder in which the task's own temporary folder is made.
        listener: The callbacks.

    Attributes:
        state: The present state.

    Example:
        >>> task = Task(loop, run_plan(order), Path(slicer.app.temporaryPath), TaskListener(on_end=show))
        >>> task.start()
    """

    def __init__(self, loop: EventLoop, plan: Plan[T], temporary: Path, listener: TaskListener[T]) -> None:
        self._loop, self._temporary, self._listener = loop, temporary, listener
        self._plan: Plan[T] | None = plan
        self._folder: Path | None = None
        self._steps: StepRunner[Any] | None = None
        self._worker: WorkerJob | None = None
        self.state = State.IDLE

    def start(self) -> None:
        """Starts the task. Has no effect if it was started or ended before."""
        if self.state is not State.IDLE or self._plan is None:
            return
        try:
            self._temporary.mkdir(parents=True, exist_ok=True)  # a cleaner of temporary files may have removed it
            self._folder = Path(tempfile.mkdtemp(prefix="nephrosynth-", dir=self._temporary))
        except OSError as error:
            self._end(None, error)
            return
        self._take_steps(State.WRITING, self._plan.write(self._folder), self._written)

    def cancel(self) -> None:
        """Ends the task within a second, and at once where no worker runs. `on_end` gets `Cancelled`."""
        if self._worker is not None:
            self._worker.cancel()
        else:
            self._interrupt()

    def end_now(self) -> None:
        """Ends the task before this method returns. `on_end` gets `Cancelled`."""
        if self._worker is not None:
            self._worker.end_now()
        self._interrupt()

    def _interrupt(self) -> None:
        """Stops the steps, so that they undo their changes."""
        problem: Exception = Cancelled()
        if self._steps is not None:
            try:
                self._steps.stop()
            except Exception as error:  # a change could not be undone
                problem = error
        self._end(None, problem)

    def _take_steps(self, state: State, steps: Steps[Any], then: Callable[[Any, Exception | None], None]) -> None:
        self.state = state
        self._steps = StepRunner(self._loop, steps, self._step, then)

    def _step(self, step: Step) -> None:
        self._listener.on_progress(self.state, ProgressEvent("", step.fraction, step.message))

    def _written(self, arguments: Summary | None, error: Exception | None) -> None:
        self._steps = None
        if error is not None or self._plan is None:
            self._end(None, error)
        elif self._plan.command and arguments is not None:
            self._work(self._plan.command, arguments)
        else:
            self._load({})

    def _work(self, command: str, arguments: Summary) -> None:
        self.state = State.WORKING
        self._worker = WorkerJob(self._loop, self._hear, self._log, self._worked)
        try:
            self._worker.start(command, arguments)
        except NephroSynthError as error:
            self._worker = None
            self._end(None, error)

    def _hear(self, message: Message) -> None:
        if message["type"] == "progress":
            event = ProgressEvent(str(message["stage"]), float(message["fraction"]), str(message["message"]))
            self._listener.on_progress(self.state, event)
        elif message["type"] == "warning":
            self._listener.on_warning(str(message.get("message")))

    def _log(self, line: str) -> None:
        self._listener.on_log(line)

    def _worked(self, result: Summary | None, error: NephroSynthError | None) -> None:
        self._worker = None
        if error is None:
            for note in (result or {}).get("notes", ()):
                self._log(str(note))
            self._load(result or {})
        elif self._plan is not None and self._plan.survives() and not isinstance(error, Cancelled):
            self._log(traceback_of(error))
            self._load({})
        else:
            self._end(None, error)

    def _load(self, result: Summary) -> None:
        if self._plan is not None and self._folder is not None:
            self._take_steps(State.LOADING, self._plan.load(self._folder, result), self._end)

    def _end(self, result: T | None, error: Exception | None) -> None:
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        on_end = self._listener.on_end
        self._plan, self._steps, self._listener = None, None, _DEAF  # a Qt connection may keep this object alive
        on_end(result, error)
