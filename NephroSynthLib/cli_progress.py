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

from NephroSynthLib.job_process import Message

# The share of its time that a job spends in each stage, measured on two cores, for the bar of the whole.
_PIPELINE = {"read": 2.0, "segment": 30.0, "register": 25.0, "synthesize": 35.0, "judge": 4.0, "save": 4.0}
SHARES: Mapping[str, Mapping[str, float]] = {
    "run": _PIPELINE,
    "demo": {"simulate": 8.0, **_PIPELINE},
    "simulate": {"simulate": 1.0},
    "register": {stage: _PIPELINE[stage] for stage in ("read", "register", "save")},
    "segment": {stage: _PIPELINE[stage] for stage in ("read", "segment", "save")},
    "synthesize": {stage: _PIPELINE[stage] for stage in ("read", "synthesize", "save")},
    "evaluate": {stage: _PIPELINE[stage] for stage in ("read", "judge")},
    "train": {"train": 1.0},
    "models": {"read": 1.0},
    "phases": {"read": 1.0},
    "export-dicom": {"read": 1.0, "save": 1.0},
    "send": {"send": 1.0},
}


class ProgressDisplay:
    """Draws the progress messages of one job; in a console that is no terminal, a line when a stage begins and ends."""

    def __init__(self, command: str, console: Console) -> None:
        self._shares = SHARES[command]
        self._console = console
        self._began: dict[str, float] = {}
        self._ended: set[str] = set()
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("[dim]{task.fields[message]}"),
            console=console,
        )

    def __enter__(self) -> ProgressDisplay:
        if self._console.is_terminal:
            stages = self._shares if len(self._shares) > 1 else ()
            for stage in stages:
                self._tasks[stage] = self._bars.add_task(stage, total=1.0, start=False, message="")
            self._tasks["all"] = self._bars.add_task(
                "[bold]all" if stages else next(iter(self._shares)), total=1.0, message=""
            )
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
            self._print(stage, fraction)

    def log(self, line: str) -> None:
        """Writes a line of the worker's log above the bars."""
        self._console.print(Text(line, style="dim"))

    def _draw(self, stage: str, fraction: float, text: str) -> None:
        done = 0.0
        for name, share in self._shares.items():
            if name == stage:
                done += share * fraction
                break
            done += share
            self._finish(name)
        if stage in self._tasks:
            if fraction < 1.0 and not self._bars.tasks[self._tasks[stage]].started:
                self._bars.start_task(self._tasks[stage])
            self._bars.update(self._tasks[stage], completed=fraction, message="" if fraction >= 1.0 else text)
            text = ""
        self._bars.update(self._tasks["all"], completed=done / sum(self._shares.values()), message=text)

    def _finish(self, stage: str) -> None:
        """Fills the bar of a stage that lies behind; a stage that was skipped has no time to show."""
        task = self._tasks.get(stage)
        if task is not None and not self._bars.tasks[task].finished:
            self._bars.update(task, completed=1.0, message="" if self._bars.tasks[task].started else "skipped")

    def _print(self, stage: str, fraction: float) -> None:
        if stage not in self._began:
            self._began[stage] = time.monotonic()
            self._console.print(f"{stage} ...")
        if fraction >= 1.0 and stage not in self._ended:
            self._ended.add(stage)
            self._console.print(f"{stage} done in {time.monotonic() - self._began[stage]:.1f} s")
