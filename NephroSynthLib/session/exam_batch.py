"""Many exams that a user runs one after the other: the rows of their table, and the run through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from NephroSynthLib.errors import ResourceError, WorkerError
from NephroSynthLib.progress import ProgressEvent
from NephroSynthLib.session.event_loop import EventLoop
from NephroSynthLib.session.run_progress import RunProgress
from NephroSynthLib.session.steps import Steps
from NephroSynthLib.session.task import Plan, State, Summary, Task, TaskListener


class ExamState(Enum):
    """The state of an exam in the table."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class ExamRow:
    """An exam in the table.

    Attributes:
        name: The exam's name.
        state: Its state.
        passed: Whether its registration reached the gate. None without a result.
        reason: Why it failed, or the doubt for which it will not be run.
        folder: The folder of its result.
    """

    name: str
    state: ExamState
    passed: bool | None
    reason: str
    folder: Path


def row_of(outcome: Mapping[str, Any]) -> ExamRow:
    """Returns the row of an outcome that the worker tells."""
    state = {"done": ExamState.DONE, "failed": ExamState.FAILED}.get(outcome["status"], ExamState.WAITING)
    reason = str(outcome["reason"] or outcome["unclear"])
    return ExamRow(str(outcome["name"]), state, outcome["passed"], reason, Path(outcome["folder"]))


@dataclass(frozen=True)
class BatchListener:
    """The callbacks of a batch.

    Attributes:
        on_rows: Called when the rows have changed.
        on_progress: Called with the present work, and with the fraction in [0, 1] of the batch that is done.
        on_end: Called once at the end of each call of `find`, `read` or `run`: with None, or with the error. A failed
            exam is no error.
        on_log: Called with each line for the log.
    """

    on_rows: Callable[[], None] = lambda: None
    on_progress: Callable[[str, float], None] = lambda message, fraction: None
    on_end: Callable[[Exception | None], None] = lambda error: None
    on_log: Callable[[str], None] = lambda line: None


class ExamBatch:
    """The exams of a manifest, run one after the other, each in a process of its own.

    An exam that fails stops no other one. After a cancellation, the exams that are done stay, and `run` goes on with
    the others.

    Args:
        loop: The event loop of the front end.
        temporary: The folder for temporary files.
        listener: The callbacks.

    Attributes:
        rows: The exams.

    Example:
        >>> batch = ExamBatch(loop, Path(slicer.app.temporaryPath), BatchListener(on_rows=show))
        >>> batch.read(Path("exams.csv"), Path("results"), {"seed": 7})
    """

    def __init__(self, loop: EventLoop, temporary: Path, listener: BatchListener) -> None:
        self._loop, self._temporary, self._listener = loop, temporary, listener
        self._task: Task[Summary] | None = None
        self._arguments: dict[str, Any] = {}
        self._waiting: list[ExamRow] = []
        self._ended = 0
        self.rows: list[ExamRow] = []

    @property
    def busy(self) -> bool:
        """Whether exams are found, read or run."""
        return self._task is not None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that name the manifest, the folder of the results, and the settings."""
        return dict(self._arguments)

    def find(self, roots: Sequence[Path], manifest: Path, out: Path, settings: Mapping[str, Any]) -> None:
        """Finds the exams in DICOM folders, writes them as a manifest, and reads it."""
        arguments = {"roots": [str(root) for root in roots], "manifest": str(manifest)}
        self._start("find-exams", arguments, lambda found: self.read(Path(found["manifest"]), out, settings))

    def read(self, manifest: Path, out: Path, settings: Mapping[str, Any]) -> None:
        """Reads the exams of a manifest, and their outcomes from earlier runs in the folder of the results."""
        self._arguments = {"manifest": str(manifest), "out": str(out), "settings": dict(settings)}
        self._start("list-exams", self._arguments, self._listed)

    def run(self, settings: Mapping[str, Any]) -> None:
        """Runs all exams that are not done.

        Args:
            settings: The settings of all exams. The line of an exam in the manifest overrides them.
        """
        if self.busy:
            return
        self._arguments["settings"] = dict(settings)
        self._waiting = [row for row in self.rows if row.state is not ExamState.DONE]
        self._ended = len(self.rows) - len(self._waiting)
        self._next()

    def cancel(self) -> None:
        """Ends the present exam within a second, and the batch with it."""
        self._waiting = []
        if self._task is not None:
            self._task.cancel()

    def end_now(self) -> None:
        """Ends the batch before this method returns."""
        self._waiting = []
        if self._task is not None:
            self._task.end_now()

    def _start(self, command: str, arguments: Mapping[str, Any], then: Callable[[Summary], None]) -> None:
        if self.busy:
            return
        progress = RunProgress()

        def heard(state: State, event: ProgressEvent) -> None:
            progress.update(state, event)
            fraction = progress.done if command == "run-listed" else event.fraction
            self._listener.on_progress(event.message, fraction if not self.rows else self._share(fraction))

        def ended(result: Summary | None, error: Exception | None) -> None:
            self._task = None
            if error is not None or result is None:
                self._failed(error)
            else:
                then(result)

        listener: TaskListener[Summary] = TaskListener(on_end=ended, on_progress=heard, on_log=self._listener.on_log)
        plan = Plan(command=command, write=lambda folder: _given(dict(arguments)), load=lambda _, found: _given(found))
        self._task = Task(self._loop, plan, self._temporary, listener)
        self._task.start()

    def _share(self, fraction: float) -> float:
        return min(1.0, (self._ended + fraction) / len(self.rows))

    def _listed(self, found: Summary) -> None:
        self.rows = [row_of(outcome) for outcome in found["exams"]]
        self._listener.on_rows()
        self._listener.on_end(None)

    def _next(self) -> None:
        if not self._waiting:
            self._listener.on_end(None)
            return
        row = self._waiting[0]
        row.state, row.reason, row.passed = ExamState.RUNNING, "", None
        self._listener.on_rows()
        arguments = {**self._arguments, "exam": row.name, "retry_failed": True}
        self._start("run-listed", arguments, lambda outcome: self._exam_ended(row, row_of(outcome)))

    def _exam_ended(self, row: ExamRow, found: ExamRow) -> None:
        self.rows[self.rows.index(row)] = found
        self._ended += 1
        self._waiting = self._waiting[1:]
        self._listener.on_rows()
        self._next()

    def _failed(self, error: Exception | None) -> None:
        """Ends the work. A process that crashed or lacked memory takes only its own exam with it."""
        running = next((row for row in self.rows if row.state is ExamState.RUNNING), None)
        if running is not None and isinstance(error, WorkerError | ResourceError) and self._waiting:
            running.state, running.reason = ExamState.FAILED, str(error)
            self._exam_ended(running, running)
            return
        if running is not None:
            running.state = ExamState.WAITING
            self._listener.on_rows()
        self._listener.on_end(error)


def _given(values: Summary) -> Steps[Summary]:
    """Gives values without work."""
    return values
    yield
