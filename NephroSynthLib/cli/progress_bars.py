"""Progress of a job in a terminal: a bar for each stage and one for the whole, with the time left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from NephroSynthLib.jobs.job_process import Message
from NephroSynthLib.progress import PIPELINE_SHARES

SHARES: Mapping[str, Mapping[str, float]] = {
    "run": PIPELINE_SHARES,
    "demo": {"simulate": 8.0, **PIPELINE_SHARES},
    "simulate": {"simulate": 1.0},
    "register": {stage: PIPELINE_SHARES[stage] for stage in ("read", "segment", "register", "save")},
    "segment": {stage: PIPELINE_SHARES[stage] for stage in ("read", "segment", "save")},
    "synthesize": {stage: PIPELINE_SHARES[stage] for stage in ("read", "synthesize", "save")},
    "transform": {"read": 1.0, "save": 1.0},
    "evaluate": {stage: PIPELINE_SHARES[stage] for stage in ("read", "judge")},
    "prepare": {"read": 1.0},
    "train": {"train": 1.0},
    "benchmark": {"train": 1.0},
    "generate": {"read": 1.0, "generate": 20.0},
    "models": {"read": 1.0},
    "phases": {"read": 1.0},
    "export-dicom": {"read": 1.0, "save": 1.0},
    "send": {"send": 1.0},
    "cohort manifest": {"read": 1.0},
    "cohort run": {"exams": 1.0},
    "reader-study make": {"read": 1.0},
    "reader-study evaluate": {"judge": 1.0},
    "view": {"serve": 1.0},
}


LINE_S = 30.0
"""Seconds between two lines of one stage, where the output is no terminal."""


class ProgressDisplay:
    """Draws the progress of one job.

    Without a terminal it prints a line when a stage begins, one when it ends, and now and then one in between.
    """

    def __init__(self, command: str, console: Console) -> None:
        self._shares = SHARES[command]
        self._console = console
        self._began: dict[str, float] = {}
        self._ended: set[str] = set()
        self._last_line = 0.0
        self._tasks: dict[str, TaskID] = {}
        self._whole = TaskID(0)
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[message]}", style="dim", markup=False),
            console=console,
        )

    @property
    def first_stage(self) -> str:
        """The stage that the job begins with."""
        return next(iter(self._shares))

    def __enter__(self) -> ProgressDisplay:
        if self._console.is_terminal:
            if len(self._shares) > 1:
                for stage in self._shares:
                    self._tasks[stage] = self._bars.add_task(stage, total=1.0, start=False, visible=False, message="")
            name = "[bold]all" if self._tasks else self.first_stage
            self._whole = self._bars.add_task(name, total=sum(self._shares.values()), message="")
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def show(self, message: Message) -> None:
        """Draws a progress message."""
        stage, fraction, text = message["stage"], float(message["fraction"]), str(message["message"])
        if self._console.is_terminal:
            self._draw(stage, fraction, text)
        else:
            self._print(stage, fraction, text)

    def log(self, line: str) -> None:
        """Writes a line of the worker's log above the bars."""
        self._console.print(Text(line, style="dim"))

    def _draw(self, stage: str, fraction: float, text: str) -> None:
        if stage in self._shares:
            before = list(self._shares)[: list(self._shares).index(stage)]
            done = sum(self._shares[name] for name in before) + fraction * self._shares[stage]
            self._bars.update(self._whole, completed=done, message="" if self._tasks else text)
        if stage in self._tasks:
            self._bars.start_task(self._tasks[stage])
            message = text if fraction < 1.0 else ""
            self._bars.update(self._tasks[stage], completed=fraction, visible=True, message=message)

    def _print(self, stage: str, fraction: float, text: str) -> None:
        now = time.monotonic()
        if stage not in self._began:
            self._began[stage] = self._last_line = now
            self._console.print(f"{stage} ...")
        if fraction >= 1.0 and stage not in self._ended:
            self._ended.add(stage)
            self._console.print(f"{stage} done in {now - self._began[stage]:.1f} s")
        elif fraction < 1.0 and now - self._last_line >= LINE_S:
            self._last_line = now
            self._console.print(Text(f"{stage} {fraction:.0%} {text}".rstrip()))
