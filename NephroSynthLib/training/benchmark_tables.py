"""The tables of a benchmark: CSV with a row for each method and exam, JSON with everything, Markdown to read."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.training.scores import Figures, Mean, mean_over_exams, organ_keys

DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Column:
    """A figure that a table shows.

    Attributes:
        figure: Its name.
        title: Its title, with the unit.
        decimals: How many are shown; None for three digits of a figure of all exams as a set.
    """

    figure: str
    title: str
    decimals: int | None = None


IMAGES = (
    Column("psnr_db", "PSNR (dB)", 1),
    Column("ssim", "SSIM", 3),
    Column("ms_ssim", "MS-SSIM", 3),
    Column("mae_hu", "MAE (HU)", 1),
    Column("perceptual", "perceptual", 3),
    Column("seconds", "seconds", 0),
)
KIDNEYS = (
    Column("kidney_mae_hu", "MAE (HU)", 1),
    Column("kidney_offset_hu", "offset (HU)", 1),
    Column("kidney_structure_hu", "structure (HU)", 1),
    Column("kidney_texture_ratio", "texture", 2),
    Column("segmenter_dice", "Dice", 3),
    Column("segmenter_surface_mm", "surface (mm)", 2),
)
SETS = (
    Column("fid_ax", "FID-Ax"),
    Column("fid_cor", "FID-Cor"),
    Column("fid_sag", "FID-Sag"),
    Column("bmmd2", "bMMD²"),
    Column("inception_score", "IS"),
    Column("fds", "FDS"),
    Column("ds", "DS"),
    Column("ms_ssim_of_pairs", "MS-SSIM of pairs"),
)
INTERVALS = (
    "Mean over the exams with its 95 % interval (bootstrap); * differs from {compared} (P < 0.05, Wilcoxon, not"
    " corrected for many tests). n is the number of the exams that have a figure, where some lack it."
)
ABOUT = {
    "Images": "In the window 400/50, around the kidneys. " + INTERVALS,
    "Kidneys": (
        "Within the kidneys. Offset is the mean error, structure the spread of the smooth error, texture the spread of"
        " the fine grain over that of the true phase. Dice and surface compare the kidneys that our segmenter finds in"
        " the synthetic volume and in the acquired one."
    ),
    "Sets of slices": (
        "FID, bMMD² and FDS use the features of {features}, IS the classes that k-means finds in them. They can be"
        " compared only with figures of the same network. High is good for IS, low for the others. MS-SSIM of pairs is"
        " high where slices are alike."
    ),
    "HU by organ": "Mean error in HU, and the correlation r of the HU over the exams, from three exams on.",
}
"""A sentence about each table, by its title."""
OWN_FEATURES = "our own segmenter"
NOTE = (
    "Methods are told the true contrast of the exam, except the unpaired ones, which take the phases alone. Research"
    " use only."
)


@dataclass(frozen=True)
class Table:
    """A table as texts.

    Attributes:
        title: A key of `ABOUT`.
        columns: Titles of the columns.
        rows: The cells of each method, the first of which is its name.
        about: A sentence about it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    about: str


@dataclass(frozen=True)
class Row:
    """A method in the benchmark.

    Attributes:
        method: Its name.
        title: Method and paper, for people.
        exams: Figures of each exam.
        of_set: Figures of all exams as a set.
        organs: Organs whose HU the exams tell.
    """

    method: str
    title: str
    exams: Sequence[Figures]
    of_set: Figures
    organs: Sequence[str] = ()

    def mean(self, figure: str, other: Row | None = None) -> Mean | None:
        """Returns the mean of a figure over the exams that have it, tested against another method; None for none."""
        others = None if other is None or other is self else other._values(figure)
        return mean_over_exams(self._values(figure), others)

    def _values(self, figure: str) -> list[float | None]:
        return [exam.get(figure) for exam in self.exams]

    @property
    def figures(self) -> list[str]:
        """The names of all figures that an exam has."""
        return list(dict.fromkeys(figure for exam in self.exams for figure in exam))

    def to_dict(self, other: Row | None = None) -> dict[str, Any]:
        """Returns all figures as plain values, for JSON."""
        means = {figure: self.mean(figure, other) for figure in self.figures}
        return {
            "method": self.method,
            "title": self.title,
            "means": {figure: asdict(mean) for figure, mean in means.items() if mean is not None},
            "set": dict(self.of_set),
            "exams": [dict(exam) for exam in self.exams],
        }


def write_tables(
    folder: Path, rows: Sequence[Row], names: Sequence[str], budget: str, compared: str, features: str = OWN_FEATURES
) -> None:
    """Writes `table.csv`, `table.json` and `table.md`.

    Args:
        folder: Takes them.
        rows: The methods.
        names: Names of the exams.
        budget: Name of the budget of the trainings.
        compared: The method that others are tested against.
        features: The network whose features the distances of sets use, in words.
    """
    other = next((row for row in rows if row.method == compared), None)
    content = {
        "budget": budget,
        "features": features,
        "exams": list(names),
        "methods": [row.to_dict(other) for row in rows],
    }
    with staged_file(folder / "table.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    with staged_file(folder / "table.md") as temporary:
        temporary.write_text(markdown(rows, len(names), budget, compared, features), encoding="utf-8")
    figures = list(dict.fromkeys(figure for row in rows for figure in row.figures))
    with staged_file(folder / "table.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "exam", *figures])
        for row in rows:
            for name, exam in zip(names, row.exams, strict=True):
                writer.writerow([row.method, name, *("" if exam.get(f) is None else exam[f] for f in figures)])


def markdown(rows: Sequence[Row], exams: int, budget: str, compared: str, features: str) -> str:
    """Returns the tables in Markdown, each with a line that says what it shows."""
    count = "one held-out exam" if exams == 1 else f"{exams} held-out exams"
    lines = [f"Budget `{budget}`, {count}. {NOTE}"]
    for table in tables(rows, compared, features):
        lines += ["", f"## {table.title}", "", table.about, ""]
        lines += [_line(["method", *table.columns]), _line(["---"] * (len(table.columns) + 1))]
        lines += [_line(cells) for cells in table.rows]
    return "\n".join([*lines, ""])


def tables(rows: Sequence[Row], compared: str, features: str = OWN_FEATURES) -> list[Table]:
    """Returns the figures of all methods as tables.

    Args:
        rows: The methods.
        compared: The method that others are tested against.
        features: The network whose features the distances of sets use, in words.
    """
    about = {title: text.format(compared=compared, features=features) for title, text in ABOUT.items()}
    other = next((row for row in rows if row.method == compared), None)
    kinds = {"Images": IMAGES, "Kidneys": KIDNEYS, "Sets of slices": SETS}
    found = [
        Table(
            title,
            [one.title for one in columns],
            [[row.method, *_cells(row, columns, other)] for row in rows],
            about[title],
        )
        for title, columns in kinds.items()
    ]
    organs = list(dict.fromkeys(organ for row in rows for organ in row.organs))
    if organs:
        by_organ = [[row.method, *(_organ_cell(row, organ, other) for organ in organs)] for row in rows]
        found.append(Table("HU by organ", organs, by_organ, about["HU by organ"]))
    return found


def _cells(row: Row, columns: Sequence[Column], other: Row | None) -> list[str]:
    return [_cell(row, column, other) for column in columns]


def _cell(row: Row, column: Column, other: Row | None) -> str:
    if column.decimals is None:
        value = row.of_set.get(column.figure)
        return DASH if value is None else f"{value:.3g}"
    mean = row.mean(column.figure, other)
    if mean is None:
        return DASH
    if column.figure == "seconds":
        return f"{mean.value:.{column.decimals if mean.value >= 10 else 1}f}"
    star = "*" if mean.p is not None and mean.p < 0.05 else ""
    digits = column.decimals
    interval = f" ({mean.low:.{digits}f} to {mean.high:.{digits}f})" if mean.exams > 1 else ""
    some = f", n = {mean.exams}" if mean.exams < len(row.exams) else ""
    return f"{mean.value:.{digits}f}{star}{interval}{some}"


def _organ_cell(row: Row, organ: str, other: Row | None) -> str:
    _, error, correlation = organ_keys(organ)
    r = row.of_set.get(correlation)
    return _cell(row, Column(error, organ, 1), other) + ("" if r is None else f", r {r:.2f}")


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
