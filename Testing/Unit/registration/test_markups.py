"""Files of points: Slicer's markups in both coordinate systems, tables, and pairs from one or two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from NephroSynthLib.errors import NephroSynthError, UnreadableInputError, UsageError
from NephroSynthLib.registration.markups import as_array, as_markups, as_table, read_landmarks, read_points

POINTS = {
    "hilum": (10.0, -20.0, 30.0),
    "upper pole": (1.5, 2.5, -3.5),
    "spine": (0.0, 40.0, 5.0),
    "tip": (5.0, 5.0, 60.0),
}


def _markup(points: dict[str, tuple[float, ...]], system: str = "LPS") -> dict[str, Any]:
    sign = -1 if system == "RAS" else 1
    control = [{"label": name, "position": [sign * x, sign * y, z]} for name, (x, y, z) in points.items()]
    return {"type": "Fiducial", "coordinateSystem": system, "controlPoints": control}


def _written(path: Path, *markups: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"markups": markups}), encoding="utf-8")
    return path


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_markups_are_read_as_lps_by_their_names(tmp_path: Path, system: str) -> None:
    assert read_points(_written(tmp_path / "a.mrk.json", _markup(POINTS, system))) == [POINTS]


def test_a_point_that_is_not_placed_is_left_out_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    markup = _markup({"a": (1.0, 2.0, 3.0)})
    markup["controlPoints"] += [{"label": "a", "position": [4, 5, 6]}, {"positionStatus": "undefined"}]
    assert read_points(_written(tmp_path / "a.json", markup)) == [{"a": (1, 2, 3), "#2": (4, 5, 6)}]


@pytest.mark.parametrize(("suffix", "text"), [("mrk.json", as_markups(POINTS)), ("csv", as_table(POINTS))])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"points.{suffix}"
    path.write_text(text, encoding="utf-8")
    assert read_points(path) == [POINTS]
    assert as_array(POINTS).shape == (4, 3)


def test_pairs_stand_in_one_table_in_one_file_of_markups_or_in_two(tmp_path: Path) -> None:
    moved = {name: (x + 1, y, z) for name, (x, y, z) in POINTS.items()}
    rows = [f"{n},{','.join(map(str, (*POINTS[n], *moved[n])))}" for n in POINTS]
    table = tmp_path / "pairs.csv"
    header = "name, noncontrast_x, noncontrast_y, noncontrast_z, excretory_x, excretory_y, excretory_z"
    table.write_text("\n".join([header, *rows]))
    one = _written(tmp_path / "one.mrk.json", _markup(POINTS), _markup(moved, "RAS"))
    first = _written(tmp_path / "first.mrk.json", _markup(POINTS))
    second = _written(tmp_path / "second.mrk.json", _markup(dict(reversed(moved.items()))))
    for given in ((table, None), (one, None), (first, second)):
        found = read_landmarks(*given, "affine")
        assert np.allclose(found.moving - found.fixed, [1.0, 0.0, 0.0])
        assert (found.kind, found.replaces) == ("affine", True)


def test_lists_without_common_names_are_paired_by_order(tmp_path: Path) -> None:
    renamed = {f"F_1-{number}": point for number, point in enumerate(POINTS.values())}
    found = read_landmarks(_written(tmp_path / "a.json", _markup(POINTS), _markup(renamed)), None, "start")
    assert np.array_equal(found.fixed, found.moving)
    assert (found.kind, found.replaces) == ("rigid", False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ("[1]", "no points"),
        ('{"markups": [{"coordinateSystem": "IJK", "controlPoints": []}]}', "neither LPS nor RAS"),
        ('{"markups": [{"type": "Fiducial"}]}', "'controlPoints' is missing"),
        ('{"markups": [{"controlPoints": [{"position": [1, 2]}]}]}', "no points"),
    ],
)
def test_a_broken_file_is_named_with_the_reason(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "broken.mrk.json").write_text(content)
    with pytest.raises(UnreadableInputError, match="broken") as caught:
        read_points(tmp_path / "broken.mrk.json")
    assert said in caught.value.what


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "x,y,z\n1,2,three\n", "x,y,z\n1,2\n"])
def test_a_table_needs_its_columns_and_numbers(tmp_path: Path, text: str) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(UnreadableInputError, match="no points that can be read"):
        read_points(tmp_path / "points.csv")


def test_lists_that_make_no_pairs_are_refused(tmp_path: Path) -> None:
    one = _written(tmp_path / "one.json", _markup(POINTS))
    less = _written(tmp_path / "less.json", _markup(dict(list(POINTS.items())[:3])))
    three = _written(tmp_path / "three.json", *[_markup(POINTS)] * 3)
    for given, said in (((one, None), "1 list"), ((one, less), "4 landmarks"), ((three, None), "3 lists")):
        with pytest.raises(UsageError, match=said):
            read_landmarks(*given, "start")
    with pytest.raises(UsageError, match="plane"):
        read_landmarks(less, less, "thin-plate")
    with pytest.raises(NephroSynthError, match="does not exist"):
        read_points(tmp_path / "nowhere.csv")
