"""A study from result folders: files, blinding, and refusals before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.errors import NephroSynthError, UsageError
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.progress import Progress
from NephroSynthLib.reader_study.study_key import read_key
from NephroSynthLib.reader_study.study_making import StudyRequest, make_study


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, write_exam: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for brighter, (name, acquired) in enumerate((("DOE", True), ("ROE", True), ("POE", False))):
        write_exam(folder / name, acquired, 20.0 * brighter)
    return folder


def make(sources: list[Path], folder: Path, **more: Any) -> dict[str, Any]:
    arguments = {"sources": sources, "out": folder / "study", "key": folder / "key.json", "slices": 3, **more}
    return make_study(parse(StudyRequest, arguments), Progress())


def test_a_study_is_whole_and_blind(results: Path, tmp_path: Path) -> None:
    summary = make([results], tmp_path)
    assert (summary["exams"], summary["pictures"]) == (2, 12)
    assert summary["warnings"] == ["'POE' is left out, because its result has no acquired phase."]
    names = sorted(path.relative_to(tmp_path / "study").as_posix() for path in (tmp_path / "study").rglob("*.*"))
    assert names == [*(f"pictures/p{n:03}.png" for n in range(1, 13)), "reading.html"]
    key = read_key(tmp_path / "key.json")
    assert key.study == summary["study"]
    assert sorted(key.pictures) == [f"p{n:03}" for n in range(1, 13)]
    assert sum(one.origin == "real" for one in key.pictures.values()) == 6
    for path in (tmp_path / "study").rglob("*.*"):
        assert not any(word in path.read_bytes() for word in (b"DOE", b"ROE", str(key.seed).encode()))


def test_a_study_can_be_made_again_with_its_seed_and_differs_without(results: Path, tmp_path: Path) -> None:
    codes = []
    for number, seed in enumerate((None, 4, 4)):
        folder = tmp_path / str(number)
        codes.append(make([results / "DOE"], folder, seed=seed, equal_noise=True)["study"])
    assert codes[1] == codes[2] != codes[0]
    assert json.loads((tmp_path / "0/key.json").read_text("utf-8"))["seed"] != 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"key": "study/key.json"}, "folder for readers"),
        ({"key": "study"}, "folder for readers"),
        ({"key": "old.json"}, "exists already"),
        ({"out": "full"}, "not empty"),
        ({"slices": 0}, "at least 1"),
        ({"window_width": 0}, "at least 1"),
    ],
)
def test_wrong_targets_are_refused(results: Path, tmp_path: Path, more: dict[str, Any], words: str) -> None:
    (tmp_path / "full").mkdir()
    for name in ("old.json", "full/thesis.txt"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    placed = {name: tmp_path / value if isinstance(value, str) else value for name, value in more.items()}
    with pytest.raises(UsageError, match=words):
        make([results], tmp_path, **placed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "old.json"]
    assert (tmp_path / "old.json").read_text("utf-8") == "mine"


def test_nothing_is_written_where_a_volume_is_damaged(
    results: Path, tmp_path: Path, write_exam: Callable[..., Path]
) -> None:
    damaged = write_exam(tmp_path / "more" / "damaged")
    (damaged / "acquired_registered.nrrd").write_bytes(b"NRRD0004\n")
    with pytest.raises(NephroSynthError, match="'damaged'"):
        make([results, tmp_path / "more"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["more"]


def test_an_older_study_is_replaced_on_demand_alone(results: Path, tmp_path: Path) -> None:
    make([results / "DOE"], tmp_path)
    with pytest.raises(UsageError):
        make([results / "ROE"], tmp_path)
    code = make([results / "ROE"], tmp_path, overwrite=True)["study"]
    assert read_key(tmp_path / "key.json").study == code
    assert code in (tmp_path / "study/reading.html").read_text("utf-8")
