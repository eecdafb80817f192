"""Pairs of volumes from folders and tables, and sources that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import NephroSynthError, UnreadableInputError, UsageError
from NephroSynthLib.reader_study.image_pair import find_pairs


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two results with an acquired phase, and one without; finding them reads no volume."""
    files = ("result.json", "synthetic_nephrographic.nrrd", "kidneys.nrrd", "acquired_registered.nrrd")
    for name, count in (("x", 4), ("y", 4), ("z", 3)):
        (tmp_path / "cohort" / "exams" / name).mkdir(parents=True)
        for file in files[:count]:
            (tmp_path / "cohort" / "exams" / name / file).touch()
    return tmp_path / "cohort"


def test_results_are_found_at_any_depth_and_those_without_acquired_phase_are_told(results: Path) -> None:
    pairs, alone = find_pairs([results])
    assert [pair.exam for pair in pairs] == ["exams/x", "exams/y"]
    assert alone == ["exams/z"]
    assert pairs[0].kidneys == results / "exams/x/kidneys.nrrd"
    one, _ = find_pairs([results / "exams" / "y"])
    assert [pair.exam for pair in one] == ["y"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_names_volumes_beside_it(results: Path, delimiter: str) -> None:
    folder = results / "exams" / "x"
    rows = (("Exam", "Real", "Synthetic"), ("e 1", "acquired_registered.nrrd", "synthetic_nephrographic.nrrd"))
    table = folder / "pairs.csv"
    table.write_text("\n".join(delimiter.join(row) for row in rows), encoding="utf-8-sig")
    (pair,), _ = find_pairs([table])
    assert (pair.exam, pair.real, pair.kidneys) == ("e 1", folder / "acquired_registered.nrrd", None)


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        ("exam,real,synthetic\na,{x},none.nrrd\n", UnreadableInputError, "Line 2 .* column synthetic does not exist"),
        ("exam,real,synthetic\n,{x},{x}\n", UsageError, "Line 2 .* column exam is empty"),
        ("exam,real,synthetic\na,{x}\n", UsageError, "column synthetic is empty"),
        ("exam,real,synthetic\na,{x},{x}\na,{x},{x}\n", UsageError, "'a' is there twice"),
        ("exam,real\na,{x}\n", UsageError, "must have the columns"),
        ("exam,real,synthetic,patient\n", UsageError, "must have the columns"),
        ("exam,real,synthetic\n", UsageError, "no result with an acquired phase"),
        ("", UsageError, "must have the columns"),
    ],
)
def test_a_wrong_table_is_refused(
    results: Path, tmp_path: Path, text: str, error: type[NephroSynthError], word: str
) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(text.format(x=results / "exams/x/acquired_registered.nrrd"), encoding="utf-8")
    with pytest.raises(error, match=word):
        find_pairs([table])


def test_sources_without_a_pair_are_refused(results: Path) -> None:
    with pytest.raises(UnreadableInputError, match=r"'none\.csv' does not exist"):
        find_pairs([results / "none.csv"])
    with pytest.raises(UsageError, match="no result with an acquired phase"):
        find_pairs([results / "exams" / "z"])
    with pytest.raises(UsageError, match="'y' is there twice"):
        find_pairs([results / "exams" / "y", results / "exams" / "y"])
