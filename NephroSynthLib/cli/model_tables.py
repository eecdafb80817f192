"""Models as tables for a person at a terminal: the list of models, one model in full, and verified models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

_BEFORE = "started_from"
_SEEDS = re.compile(r", seeds \d+( to \d+)?(, \d+( to \d+)?)*")


def models_table(summary: Mapping[str, Any]) -> Table:
    """Returns the table of the job `models`, for each of its actions."""
    if summary["action"] == "verify":
        return _verified(summary["models"])
    if summary["action"] == "show":
        return _fields_of(summary["models"][0])
    return _listed(summary["models"])


def _listed(models: list[dict[str, Any]]) -> Table:
    table = Table("name", "task", "method", "trained on", box=None, padding=(0, 2, 0, 0))
    for model in models:
        trained = _SEEDS.sub("", str(model["training"].get("data", "not stated")))
        table.add_row(*(Text(cell) for cell in (model["name"], model["task"], model["method"], trained)))
    return table


def _verified(models: list[dict[str, Any]]) -> Table:
    """Returns a row for each model; a damaged model has ended the job with an error."""
    table = Table("name", "verified", "sha256", box=None, padding=(0, 2, 0, 0))
    for model in models:
        table.add_row(Text(model["name"]), Text("ok", style="green"), Text(model["sha256"]))
    return table


def _fields_of(model: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    runs = list(_runs(model["training"]))
    for name, value in _flat({**model, "training": runs[0]}):
        table.add_row(Text(name, style="bold"), Text(value))
    for number, run in enumerate(runs[1:], start=1):
        for name, value in _flat(run, f"earlier run {number}: "):
            table.add_row(Text(name, style="bold"), Text(value))
    return table


def _runs(training: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields a training without the one that it started from, then that one likewise."""
    yield {name: value for name, value in training.items() if name != _BEFORE}
    if isinstance(training.get(_BEFORE), Mapping):
        yield from _runs(training[_BEFORE])


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yields the fields of nested dictionaries, each with the names that lead to it."""
    for name, value in values.items():
        label = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{label}: ")
        elif isinstance(value, list):
            yield label, ", ".join(map(_in_words, value))
        else:
            yield label, str(value)


def _in_words(value: Any) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)
