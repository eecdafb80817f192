"""The learning curve of a training on disk: a CSV table, and event files where TensorBoard is installed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from NephroSynthLib.files.staging import staged_file

TABLE = "metrics.csv"
EVENTS = "tensorboard"


class LearningCurve:
    """Figures by step, in `metrics.csv` and, where the package tensorboard is installed, in event files.

    Args:
        folder: Folder of the training.
        done: Steps that the training resumes from. Rows of later steps, which a lost checkpoint has left, are removed.

    Example:
        >>> LearningCurve(Path("runs/mine"), 0).add(50, {"loss": 0.21})
    """

    def __init__(self, folder: Path, done: int) -> None:
        self._path = folder / TABLE
        self._rows = [row for row in _read(self._path) if int(row["step"]) <= done]
        self._events = _event_writer(folder / EVENTS, done)
        if self._rows or self._path.exists():
            self._write()

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Adds the figures of a step; figures of a step that has a row already join it."""
        texts = {name: f"{value:.6g}" for name, value in figures.items()}
        if self._rows and self._rows[-1]["step"] == str(step):
            self._rows[-1] |= texts
        else:
            self._rows.append({"step": str(step), **texts})
        self._write()
        for name, value in figures.items():
            if self._events is not None:
                self._events.add_scalar(name, value, step)
        if self._events is not None:
            self._events.flush()

    def _write(self) -> None:
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        with staged_file(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            table.writerows(self._rows)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = ({name: text for name, text in row.items() if name and text} for row in csv.DictReader(file, restkey=""))
        return [row for row in rows if row.get("step", "").isdecimal()]


def _event_writer(folder: Path, done: int) -> Any:
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=done + 1)
