"""The manifest of a cohort: a CSV file with one line for each exam, read and checked as a whole before any work.

The first line names the columns. `exam` names the exam, and with it the folder of its result. The others are optional:

    dicom                                              a DICOM folder, DICOMDIR or zip; its phases are found in it
    noncontrast_series, excretory_series, nephrographic_series    number or UID of series, where they are to be named
    noncontrast, excretory, nephrographic              files or DICOM folders of the phases, instead of `dicom`
    landmarks, excretory_landmarks                     landmarks from which the registration starts
    mask                                               label map of the kidneys in the non-contrast phase
    delay, nephrographic_delay, weight, dose, egfr     s (or 'dicom'), s, kg, g of iodine, ml/min
    split                                              any word; it is carried into the table
    unclear                                            a doubt about the phases; an exam with one is not run

A path is relative to the folder of the manifest.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from NephroSynthLib.errors import Action, NephroSynthError, UnreadableInputError, UsageError
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.jobs.run_exam import RunRequest
from NephroSynthLib.settings import Settings

EXAM, SPLIT, UNCLEAR = "exam", "split", "unclear"
PATHS: Mapping[str, str] = {
    "dicom": "dicom",
    "noncontrast": "noncontrast",
    "excretory": "excretory",
    "nephrographic": "nephrographic",
    "mask": "kidneys",
    "landmarks": "landmarks",
    "excretory_landmarks": "excretory_landmarks",
}
"""Columns with paths, and the fields of the run's request that take them."""
SERIES = ("noncontrast_series", "excretory_series", "nephrographic_series")
SETTINGS: Mapping[str, str] = {
    "delay": "excretory_delay_s",
    "nephrographic_delay": "nephrographic_delay_s",
    "weight": "weight_kg",
    "dose": "iodine_g",
    "egfr": "egfr_ml_min",
}
"""Columns of the settings of synthesis that belong to one exam, and the names of these settings."""
COLUMNS = (EXAM, *PATHS, *SERIES, *SETTINGS, SPLIT, UNCLEAR)

_NAME = re.compile(r"\w[\w .+-]{0,63}")
_FROM_HEADER = "dicom"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class ListedExam:
    """One line of a manifest.

    Attributes:
        name: The exam's name.
        request: The request of its run.
        split: The word in the column `split`.
        unclear: The doubt about its phases; empty for none.
    """

    name: str
    request: RunRequest
    split: str = ""
    unclear: str = ""

    @property
    def inputs(self) -> dict[str, Path]:
        """The files and folders that the run reads, by their role."""
        fields = ((role, getattr(self.request, role)) for role in PATHS.values())
        return {role: path for role, path in fields if path is not None}


def read_manifest(path: Path, settings: Settings, results: Path) -> list[ListedExam]:
    """Reads a manifest.

    Args:
        path: The CSV file, with commas, semicolons or tabs.
        settings: The settings of all exams. The line of an exam overrides them.
        results: The folder that takes the folder of each exam's result.

    Raises:
        UnreadableInputError: The file is missing or no text.
        UsageError: A column is unknown, a name is missing or there twice, or a value is not valid; the error names the
            line.
    """
    exams: list[ListedExam] = []
    lines: dict[str, int] = {}
    for number, row in _rows(path):
        try:
            exam = _exam(row, path.parent.resolve(), settings, results)
            earlier = lines.setdefault(exam.name.casefold(), number)
            if earlier != number:
                raise UsageError(f"The exam '{exam.name}' stands in line {earlier} too.")
        except NephroSynthError as error:
            raise UsageError(f"Line {number} of the manifest: {error.what}", Action.CORRECT_MANIFEST) from None
        exams.append(exam)
    if not exams:
        raise UsageError("The manifest lists no exam.", Action.CORRECT_MANIFEST)
    return exams


def write_manifest(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Writes a manifest with all columns, under a temporary name that is replaced.

    Raises:
        ResourceError: If the file cannot be written.
    """
    with staged_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the number of each line that is not empty, and its cells by column, without the empty ones."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInputError(
            "The manifest does not exist or is no text in UTF-8.", Action.CORRECT_MANIFEST
        ) from error
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    columns = [cell.strip().lower() for cell in next(reader, [])]
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or len(set(columns)) < len(columns):
        wrong = f"has the unknown column '{unknown[0]}'" if unknown else "has a column twice"
        raise UsageError(f"The manifest {wrong}. The columns are {', '.join(COLUMNS)}.", Action.CORRECT_MANIFEST)
    for cells in reader:
        values = [cell.strip() for cell in cells]
        if any(values[len(columns) :]):
            raise UsageError(
                f"Line {reader.line_num} of the manifest: It has more cells than columns.", Action.CORRECT_MANIFEST
            )
        row = {column: value for column, value in zip(columns, values, strict=False) if value}
        if row:
            yield reader.line_num, row


def _exam(row: Mapping[str, str], folder: Path, settings: Settings, results: Path) -> ListedExam:
    name = row.get(EXAM, "")
    if not _NAME.fullmatch(name) or name.endswith(".") or _RESERVED.fullmatch(name):
        raise UsageError("The name of the exam must be 1 to 64 letters, digits, spaces and any of '_.+-'.")
    arguments: dict[str, Any] = {field: folder / row[column] for column, field in PATHS.items() if column in row}
    arguments |= {column: row[column] for column in SERIES if column in row}
    request = parse(
        RunRequest,
        {
            **arguments,
            "out": results / name,
            "overwrite": True,
            "label": name,
            "settings": _settings(row, settings),
        },
    )
    return ListedExam(name, request, row.get(SPLIT, ""), row.get(UNCLEAR, ""))


def _settings(row: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """Returns the settings of all exams as JSON, with those of one exam put in."""
    merged = settings.model_dump(mode="json")
    for column, name in SETTINGS.items():
        text = row.get(column)
        if text is None:
            continue
        if column == "delay" and text.lower() == _FROM_HEADER:
            merged["synthesis"][name] = None
            merged["delay_from_dicom"] = True
            continue
        try:
            merged["synthesis"][name] = float(text)
        except ValueError:
            raise UsageError(f"The column {column} must be a number.") from None
    return merged
