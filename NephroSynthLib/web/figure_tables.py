"""The figures of an exam for the side panel: the tables of the report that need no volume, and its warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from NephroSynthLib.report.report_tables import Table, metrics_tables, registration_table, without_paths


def tables_of(summary: Mapping[str, Any]) -> list[Table]:
    """Returns the tables of a run: similarity to an acquired phase beside images without a model, and registration.

    Args:
        summary: The content of `result.json`.
    """
    metrics = summary.get("metrics")
    tables = metrics_tables(metrics) if metrics else []
    registration = summary.get("registration")
    return [*tables, registration_table({"Excretory phase": registration})] if registration else tables


def doubts_of(summary: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Returns the warnings of a run, and its notes after the sentences that explain its verdict, without paths.

    A sentence that is a warning is not told again as a note.
    """
    reasons = (summary.get("registration") or {}).get("reasons") or ()
    warnings, notes = (summary.get(key) or () for key in ("warnings", "notes"))
    return [without_paths(str(text)) for text in warnings], [
        without_paths(str(text)) for text in (*reasons, *notes) if text not in warnings
    ]
