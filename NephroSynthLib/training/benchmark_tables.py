"""The tables of a benchmark: CSV with a row for each method and exam, JSON with everything, Markdown to read."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.training.scores import Figures, Mean, mean_over_exams

COLUMNS: Mapping[str, tuple[str, int]] = {
    "psnr_db": ("PSNR (dB)", 1),
    "ssim": ("SSIM", 3),
    "kidney_mae_hu": ("kidney MAE (HU)", 1),
    "kidney_offset_hu": ("kidney offset (HU)", 1),
    "kidney_structure_hu": ("kidney structure (HU)", 1),
    "kidney_texture_ratio": ("kidney texture", 2),
    "perceptual": ("perceptual", 3),
    "seconds": ("seconds", 0),
}
"""Figures over exams that the Markdown table shows: their title and decimals."""
SET_COLUMNS: Mapping[str, str] = {"fid_ax": "FID-Ax", "fid_cor": "FID-Cor", "fid_sag": "FID-Sag", "bmmd2": "bMMD²"}

NOTE = (
    "Mean over the exams with its 95 % interval (bootstrap); * differs from {compared} (P < 0.05, Wilcoxon, not"
    " corrected for many tests). PSNR, SSIM and HU in the window 400/50, the kidneys' within the kidneys. Texture is"
    " the spread of the fine grain over that of the true phase. FID and bMMD² use the features of our own segmenter"
    " and cannot be compared with published ones. Methods are told the true contrast of the exam, except the unpaired"
    " ones, which take the phases alone. Research use only."
)


@dataclass(frozen=True)
class Row:
    """A method in the benchmark.

    Attributes:
        method: Its name.
        title: Method and paper, for people.
        exams: Figures of each exam.
        of_set: Figures of all exams as a set.
    """

    method: str
    title: str
    exams: Sequence[Figures]
    of_set: Figures

    def mean(self, figure: str, other: Row | None = None) -> Mean | None:
        """Returns the mean of a figure, tested against another method; None where an exam lacks it."""
        values, others = self._values(figure), None if other is None or other is self else other._values(figure)
        return None if values is None else mean_over_exams(values, others)

    def _values(self, figure: str) -> list[float] | None:
        values = [exam.get(figure) for exam in self.exams]
        return None if not values or None in values else [float(value) for value in values if value is not None]

    def to_dict(self, other: Row | None = None) -> dict[str, Any]:
        """Returns all figures as plain values, for JSON."""
        means = {figure: self.mean(figure, other) for figure in self.exams[0]}
        return {
            "method": self.method,
            "title": self.title,
            "means": {figure: asdict(mean) for figure, mean in means.items() if mean is not None},
            "set": dict(self.of_set),
            "exams": [dict(exam) for exam in self.exams],
        }


def write_tables(folder: Path, rows: Sequence[Row], names: Sequence[str], budget: str, compared: str) -> None:
    """Writes `table.csv`, `table.json` and `table.md`.

    Args:
        folder: Takes them.
        rows: The methods.
        names: Names of the exams.
        budget: Name of the budget of the trainings.
        compared: The method that others are tested against.
    """
    other = next((row for row in rows if row.method == compared), None)
    content = {"budget": budget, "exams": list(names), "methods": [row.to_dict(other) for row in rows]}
    with staged_file(folder / "table.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    with staged_file(folder / "table.md") as temporary:
        temporary.write_text(markdown(rows, len(names), budget, compared), encoding="utf-8")
    figures = list(dict.fromkeys(figure for row in rows for exam in row.exams for figure in exam))
    with staged_file(folder / "table.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "exam", *figures])
        for row in rows:
            for name, exam in zip(names, row.exams, strict=True):
                writer.writerow([row.method, name, *("" if exam.get(f) is None else exam[f] for f in figures)])


def markdown(rows: Sequence[Row], exams: int, budget: str, compared: str) -> str:
    """Returns the table in Markdown, with a line that says what it shows."""
    titles = ["method", *(title for title, _ in COLUMNS.values()), *SET_COLUMNS.values()]
    lines = [f"Budget `{budget}`, {exams} held-out exams.", "", _line(titles), _line(["---"] * len(titles))]
    lines += [_line([row.method, *cells(row, rows, compared)]) for row in rows]
    return "\n".join([*lines, "", NOTE.format(compared=compared), ""])


def cells(row: Row, rows: Sequence[Row], compared: str) -> list[str]:
    """Returns the figures of a method as texts, in the order of `COLUMNS` and `SET_COLUMNS`."""
    other = next((one for one in rows if one.method == compared), None)
    texts = []
    for figure, (_, decimals) in COLUMNS.items():
        mean = row.mean(figure, other)
        if mean is None:
            texts.append("–")
        elif figure == "seconds":
            texts.append(f"{mean.value:.{decimals if mean.value >= 10 else 1}f}")
        else:
            star = "*" if mean.p is not None and mean.p < 0.05 else ""
            interval = f" ({mean.low:.{decimals}f} to {mean.high:.{decimals}f})" if len(row.exams) > 1 else ""
            texts.append(f"{mean.value:.{decimals}f}{star}{interval}")
    sets = [row.of_set.get(figure) for figure in SET_COLUMNS]
    return [*texts, *("–" if value is None else f"{value:.3g}" for value in sets)]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
