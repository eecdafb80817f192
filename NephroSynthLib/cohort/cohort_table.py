"""The table of a cohort: one row for each exam, with every figure of its result."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from NephroSynthLib.cohort.exam_record import ExamRecord
from NephroSynthLib.files.staging import staged_file

Row = dict[str, Any]

TABLE = "exams.csv"
PARQUET = "exams.parquet"
TABLES = (TABLE, PARQUET)
REACHED, MISSED = "gate reached", "gate missed"
_NO_FIGURES = ("schema_version", "notice", "label", "settings", "versions", "warnings", "notes")
_BETWEEN = " | "


def row_of(record: ExamRecord, split: str) -> Row:
    """Returns the row of an exam: its verdict, reason, warnings and times, then the figures of its `result.json`.

    A figure inside others has the name of its place, such as `registration.ssim_after`.
    """
    summary = record.summary or {}
    passed = summary.get("registration", {}).get("passed")
    return {
        "exam": record.exam,
        "split": split,
        "status": record.status,
        "verdict": "" if passed is None else REACHED if passed else MISSED,
        "error": record.error,
        "reason": record.reason,
        "warnings": _BETWEEN.join(summary.get("warnings", ())),
        "notes": _BETWEEN.join(summary.get("notes", ())),
        "seconds": record.seconds,
        **dict(_figures({name: value for name, value in summary.items() if name not in _NO_FIGURES})),
    }


def write_table(rows: Sequence[Row], out: Path) -> list[Path]:
    """Writes the rows as CSV, and as Parquet where pyarrow is installed.

    Args:
        rows: The rows; one that lacks a column has an empty cell there.
        out: The folder.

    Returns:
        The files.

    Raises:
        ResourceError: If a file cannot be written.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    files = [out / TABLE]
    with staged_file(files[0]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    if importlib.util.find_spec("pyarrow") is not None:
        import pyarrow
        from pyarrow import parquet

        files.append(out / PARQUET)
        table = pyarrow.table({name: [row.get(name) for row in rows] for name in columns})
        with staged_file(files[1]) as temporary:
            parquet.write_table(table, temporary)
    return files


def _figures(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the name and value of each figure; a list is one text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _figures(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        yield name, _BETWEEN.join(str(item) for item in value)
    elif value is not None:
        yield name, value
