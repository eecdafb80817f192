"""The record of an exam that was run: its inputs, settings and outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from NephroSynthLib.cohort.input_digest import InputDigest
from NephroSynthLib.files.staging import staged_file

Status = Literal["done", "failed"]


class ExamRecord(BaseModel):
    """How the run of one exam ended.

    Attributes:
        exam: The exam's name.
        status: Whether it has a result.
        key: Digest of the inputs, the settings and the models that it was computed from.
        inputs: The state of each input by role.
        reason: Why it failed, as a sentence; empty if it did not.
        error: Class of the error; empty if there was none.
        seconds: Wall-clock time of its run.
        summary: The content of its `result.json`; None if it failed.
    """

    model_config = ConfigDict(frozen=True)

    exam: str
    status: Status
    key: str = ""
    inputs: dict[str, InputDigest] = {}
    reason: str = ""
    error: str = ""
    seconds: float = 0.0
    summary: dict[str, Any] | None = None


def read_record(path: Path) -> ExamRecord | None:
    """Returns the record in a file; None if there is none or it is damaged, so that its exam is run again."""
    try:
        return ExamRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_record(record: ExamRecord, path: Path) -> None:
    """Writes a record under a temporary name that is replaced.

    Raises:
        ResourceError: If it cannot be written.
    """
    with staged_file(path) as temporary:
        temporary.write_text(json.dumps(record.model_dump(mode="json"), indent=2), encoding="utf-8")
