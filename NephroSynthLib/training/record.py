"""The record of a training in the header of its bundle: exams, command, time, hardware."""

from __future__ import annotations

import datetime
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import torch
from pydantic import JsonValue

from NephroSynthLib import __version__
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool

HOURS = "hours.txt"


def provenance(
    folder: Path, data: str, command: str, seed: int, steps: int, start: ModelBundle | None
) -> dict[str, JsonValue]:
    """Returns the field `training` of a bundle's header.

    Args:
        folder: Folder of the training, which holds its hours.
        data: The exams in words.
        command: The command that trains the model.
        seed: Seed of the training.
        steps: Optimizer steps.
        start: The bundle whose weights the training began with, whose own record is nested in this one.
    """
    return {
        "data": data,
        "command": command,
        "seed": seed,
        "steps": steps,
        "hours": round(_hours(folder), 2),
        "hardware": _hardware(),
        "date": datetime.date.today().isoformat(),
        "version": __version__,
        **({} if start is None else {"started_from": {"sha256": start.sha256, **start.metadata.training}}),
    }


def simulated_seeds(pool: CasePool) -> list[int]:
    """Returns the seeds of a pool's simulated exams."""
    return [number for number in _numbers(pool) if number < FIRST_OF_COHORT]


def own_cases(pool: CasePool) -> list[int]:
    """Returns the numbers of a pool's cases that come from a cohort."""
    return [number for number in _numbers(pool) if number >= FIRST_OF_COHORT]


def label_maps(pool: CasePool, source: str) -> dict[str, JsonValue]:
    """Returns the label maps of real patients that drove cases of a pool, for the header; empty if there are none.

    Args:
        pool: The cases.
        source: Source and licence of the maps.
    """
    exams = Counter(filter(None, (pool.anatomy(path) for path in pool.ready())))
    if not exams:
        return {}
    named: dict[str, JsonValue] = {"names": ", ".join(sorted(exams)), "exams": exams.total()}
    return {"label_maps": {**named, "source": source} if source else named}


def exams_in_words(seeds: Sequence[int], own: int) -> str:
    """Returns the number of exams in words: simulated ones by runs of their seeds, then those of a cohort."""
    breaks = [0, *(k for k in range(1, len(seeds)) if seeds[k] != seeds[k - 1] + 1), len(seeds)]
    runs = [seeds[a:b] for a, b in pairwise(breaks) if a < b]
    named = ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
    nouns = ("exam", "seed") if len(seeds) == 1 else ("exams", "seeds")
    simulated = [f"{len(seeds)} simulated {nouns[0]}, {nouns[1]} {named}"] if seeds else []
    return " and ".join([*simulated, *([f"{own} exams of a cohort of one's own"] if own else [])])


@contextmanager
def timed(folder: Path) -> Iterator[None]:
    """Adds the hours spent inside the context to those of earlier calls, in a file of the folder."""
    start = time.monotonic()
    try:
        yield
    finally:
        hours = _hours(folder) + (time.monotonic() - start) / 3600
        (folder / HOURS).write_text(f"{hours:.6f}\n", encoding="utf-8")


def _hours(folder: Path) -> float:
    file = folder / HOURS
    with suppress(FileNotFoundError, ValueError):  # a damaged file tells nothing
        return max(0.0, float(file.read_text(encoding="utf-8")))
    return 0.0


def _numbers(pool: CasePool) -> list[int]:
    return [int(path.stem) for path in pool.ready() if path.stem.isdigit()]


def _hardware() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} thread(s), {platform.machine()}"
