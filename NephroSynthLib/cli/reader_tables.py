"""A reader study at a terminal: the figures of each reader as a table, and the agreement of readers as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

_COLUMNS = ("reader", "accuracy", "sensitivity", "specificity", "quality real", "quality synthetic", "P")


def readers_table(summary: Mapping[str, Any]) -> Table:
    """Returns the table of the command `reader-study evaluate`: a row for each reader, with intervals of 95 %."""
    table = Table(*_COLUMNS, box=None, padding=(0, 2, 0, 0))
    for one in summary["readers"]:
        quality = one["quality"]
        cells = (
            one["reader"],
            *(_share(one[name]) for name in ("accuracy", "sensitivity", "specificity")),
            *(_number(quality[name]) for name in ("real", "synthetic")),
            _probability(quality["p"]),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def agreement_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yields the weighted kappa of each two readers and of all, with its interval of 95 %."""
    for one in summary["agreement"]:
        interval = f"{_number(one['lower'])} to {_number(one['upper'])}"
        yield f"Weighted kappa of {one['readers']}: {_number(one['kappa'])} ({interval}), {one['pictures']} pictures"


def _share(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    return f"{figure['value']:.0%} ({figure['lower']:.0%} to {figure['upper']:.0%})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _probability(value: float | None) -> str:
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
