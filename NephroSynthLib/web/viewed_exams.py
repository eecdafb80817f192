"""The exams that a folder holds: one result, the output of `cohort run`, or a folder of results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from NephroSynthLib.cohort.exam_record import read_record
from NephroSynthLib.cohort.exam_task import RECORDS, RESULTS
from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.files.outputs import REPORT, SUMMARY, SYNTHETIC
from NephroSynthLib.session.verdict import registration_verdict

State = Literal["passed", "missed", "failed", "unknown"]
_SUFFIXES = (".nii.gz", ".nrrd")


@dataclass(frozen=True)
class ViewedExam:
    """An exam of the list.

    Attributes:
        name: Its name, which is that of its folder.
        folder: The folder with its result; None if it has none.
        state: Whether its registration passed the gate, or whether it has no result.
        verdict: The same as a sentence, or the reason for which it failed.
        warnings: The number of warnings of its run.
    """

    name: str
    folder: Path | None
    state: State
    verdict: str
    warnings: int = 0

    @property
    def report(self) -> Path | None:
        """The report of its run, if there is one."""
        path = self.folder / REPORT if self.folder else None
        return path if path is not None and path.is_file() else None


def find_exams(folder: Path) -> list[ViewedExam]:
    """Finds the exams of a folder, by name.

    Links that lead out of the folder are left out, so that nothing else than the folder is shown.

    Args:
        folder: A result, the output of `cohort run`, or a folder with results.

    Raises:
        UnreadableInputError: If there is no folder, or no result in it.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise UnreadableInputError(f"There is no folder '{folder.name}'.", Action.GIVE_RESULTS)
    if _is_result(root):
        return [_exam(root, root.name)]
    found = {path.name: _exam(path, path.name) for place in (root, root / RESULTS) for path in _results(place, root)}
    for path in sorted((root / RECORDS).glob("*.json")):
        record = read_record(path) if is_within(path, root) else None
        if record is not None and record.status == "failed":
            found[record.exam] = ViewedExam(record.exam, None, "failed", record.reason or "It failed.")
    if not found:
        raise UnreadableInputError(f"The folder '{root.name}' holds no result.", Action.GIVE_RESULTS)
    return [found[name] for name in sorted(found, key=str.casefold)]


def is_within(path: Path, folder: Path) -> bool:
    """Tells whether a path lies in a folder after all links are followed."""
    return path.resolve().is_relative_to(folder.resolve())


def read_summary(folder: Path) -> dict[str, Any]:
    """Returns the content of `result.json`; empty if it cannot be read."""
    try:
        found = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _results(place: Path, root: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return [path for path in sorted(place.iterdir()) if is_within(path, root) and _is_result(path)]


def _is_result(folder: Path) -> bool:
    """Tells whether a folder holds the result of a run; other commands write `result.json` too."""
    return (folder / SUMMARY).is_file() and any((folder / f"{SYNTHETIC}{suffix}").is_file() for suffix in _SUFFIXES)


def _exam(folder: Path, name: str) -> ViewedExam:
    summary = read_summary(folder)
    verdict = registration_verdict(summary)
    warnings = len(summary.get("warnings") or ())
    if verdict is None:
        return ViewedExam(name, folder, "unknown", "Its result.json cannot be read.", warnings)
    if verdict.passed:
        return ViewedExam(name, folder, "passed", "Registration passed its gate.", warnings)
    return ViewedExam(name, folder, "missed", "Registration missed its gate.", warnings)
