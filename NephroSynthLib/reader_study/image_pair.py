"""The pairs of volumes of a study: from result folders with an acquired phase, and from tables.

A table is a CSV file. Its first line names the columns `exam`, `real`, `synthetic` and, if wanted, `kidneys`. A path is
relative to the folder of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib.errors import Action, NephroSynthError, UnreadableInputError, UsageError
from NephroSynthLib.files.outputs import SUMMARY, SYNTHETIC
from NephroSynthLib.reader_study.delimited_table import read_table

NEEDED = ("exam", "real", "synthetic")
COLUMNS = (*NEEDED, "kidneys")
_REAL, _KIDNEYS = "acquired_registered", "kidneys"
_SUFFIXES = (".nii.gz", ".nrrd")


@dataclass(frozen=True)
class ImagePair:
    """A real and a synthetic volume of one exam.

    Attributes:
        exam: Name of the exam, which only the key tells.
        real: The acquired volume: an image file or a DICOM folder.
        synthetic: The synthetic volume on the same grid.
        kidneys: Their label map; None where the pictures show whole slices.
    """

    exam: str
    real: Path
    synthetic: Path
    kidneys: Path | None = None


def find_pairs(sources: Sequence[Path]) -> tuple[list[ImagePair], list[str]]:
    """Finds the pairs of a study, and checks that each volume exists.

    Args:
        sources: Result folders, folders that hold such folders at any depth, and tables.

    Returns:
        The pairs, and the names of results without an acquired phase.

    Raises:
        UnreadableInputError: If a source, a volume or a table is missing or not readable.
        UsageError: If a table is wrong, an exam is there twice, or there is no pair.
    """
    pairs: list[ImagePair] = []
    alone: list[str] = []
    for source in sources:
        if source.is_dir():
            found, without = _pairs_of_results(source)
            pairs += found
            alone += without
        else:
            pairs += _pairs_of_table(source)
    if not pairs:
        raise UsageError("There is no result with an acquired phase among the sources.", Action.GIVE_PAIRS)
    names = [pair.exam for pair in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"The exam '{twice}' is there twice.", Action.GIVE_PAIRS)
    return pairs, alone


def _pairs_of_results(folder: Path) -> tuple[list[ImagePair], list[str]]:
    pairs, alone = [], []
    for result in sorted(summary.parent for summary in folder.rglob(SUMMARY)):
        synthetic, real, kidneys = (_image(result, name) for name in (SYNTHETIC, _REAL, _KIDNEYS))
        name = result.resolve().name if result == folder else result.relative_to(folder).as_posix()
        if synthetic is not None and real is not None:
            pairs.append(ImagePair(name, real, synthetic, kidneys))
        elif synthetic is not None:
            alone.append(name)
    return pairs, alone


def _image(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _pairs_of_table(path: Path) -> Iterator[ImagePair]:
    table = read_table(path, "source", Action.GIVE_PAIRS)
    columns = set(table.columns)
    if not set(NEEDED) <= columns <= set(COLUMNS) or len(columns) < len(table.columns):
        raise UsageError(f"The table must have the columns {', '.join(COLUMNS)}.", Action.GIVE_PAIRS)
    for line, row in table.rows:
        try:
            yield _pair(row, path.parent)
        except NephroSynthError as error:
            raise type(error)(f"Line {line} of the table: {error.what}", Action.GIVE_PAIRS) from None


def _pair(row: dict[str, str], folder: Path) -> ImagePair:
    empty = next((name for name in NEEDED if not row[name]), None)
    if empty is not None:
        raise UsageError(f"The column {empty} is empty.")
    paths = {name: folder / row[name] for name in COLUMNS[1:] if row.get(name)}
    missing = next((name for name, path in paths.items() if not path.exists()), None)
    if missing is not None:
        raise UnreadableInputError(f"The file or folder in the column {missing} does not exist.")
    return ImagePair(row["exam"], paths["real"], paths["synthetic"], paths.get("kidneys"))
