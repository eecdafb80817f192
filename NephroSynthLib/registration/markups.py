"""Files of points: Slicer's markups (`.mrk.json`) and tables (`.csv`), read as LPS mm."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.options import LandmarkUse
from NephroSynthLib.registration.geometry import FloatArray
from NephroSynthLib.registration.landmarks import Landmarks

PAIR_COLUMNS = tuple(f"{phase}_{axis}" for phase in ("noncontrast", "excretory") for axis in "xyz")
"""The columns of a table with the points of both phases."""
POINT_COLUMNS = ("x", "y", "z")
"""The columns of a table with the points of one phase."""

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)

Points = dict[str, tuple[float, float, float]]
"""Points in LPS mm by name, in their order."""


def read_landmarks(path: Path, excretory: Path | None, use: LandmarkUse) -> Landmarks:
    """Reads pairs of landmarks.

    Points with the same names in both lists are paired by name; otherwise by their order.

    Args:
        path: Points of the non-contrast phase, or of both phases: markups with two lists, the non-contrast one first,
            or a table with the columns `PAIR_COLUMNS`.
        excretory: Points of the excretory phase, if they have a file of their own.
        use: The map to fit, and whether it starts stage 1 or replaces it.

    Raises:
        UnreadableInputError: If a file is missing, or is no such file.
        UsageError: If there are not two lists of the same length, or the pairs do not determine the map.
    """
    lists = [*read_points(path), *(read_points(excretory) if excretory is not None else ())]
    if len(lists) != 2:
        raise UsageError(
            f"The landmarks come as {len(lists)} list{'s' if len(lists) > 1 else ''} of points, not as one list for "
            "each of the two phases.",
            Action.GIVE_LANDMARKS,
        )
    fixed, moving = lists
    if len(fixed) != len(moving):
        raise UsageError(
            f"The non-contrast phase has {len(fixed)} landmarks, and the excretory phase has {len(moving)}.",
            Action.GIVE_LANDMARKS,
        )
    partners = [moving[name] for name in fixed] if fixed.keys() == moving.keys() else list(moving.values())
    kind = "rigid" if use == "start" else use
    return Landmarks(np.array(list(fixed.values())), np.array(partners), kind, replaces=use != "start")


def read_points(path: Path) -> list[Points]:
    """Reads the lists of points of a file: each list of markups, or those of each phase of a table.

    Raises:
        UnreadableInputError: If the file is missing, or is no such file.
    """
    if not path.is_file():
        raise UnreadableInputError(f"The file of points '{path.name}' does not exist.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        lists = _markups(json.loads(text)) if path.suffix.lower() == ".json" else _table(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableInputError(
            f"The file '{path.name}' holds no points that can be read: {_reason(error)}.", Action.GIVE_POINTS
        ) from error
    return lists


def as_table(points: Points) -> str:
    """Returns points as the text of a table with the columns name, x, y, z."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", *POINT_COLUMNS))
    writer.writerows((name, *(f"{value:.4f}" for value in point)) for name, point in points.items())
    return text.getvalue()


def as_markups(points: Points) -> str:
    """Returns points as the text of Slicer's markups."""
    control_points = [
        {"id": str(number), "label": name, "position": list(point), "positionStatus": "defined"}
        for number, (name, point) in enumerate(points.items(), start=1)
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": control_points,
    }
    return json.dumps({"@schema": _SCHEMA, "markups": [markup]}, indent=1)


def as_array(points: Points) -> FloatArray:
    """Returns points as (N, 3) LPS mm."""
    return np.array(list(points.values()), dtype=np.float64).reshape(-1, 3)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON (line {error.lineno})"
    return f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error) or "it has another structure"


def _markups(content: Any) -> list[Points]:
    """Reads the lists of Slicer's markups; the schema is markups-schema-v1.0.3 of Slicer's module Markups."""
    lists = []
    for markup in content["markups"]:
        system = markup.get("coordinateSystem", "LPS")
        if system not in ("LPS", "RAS"):
            raise ValueError(f"the coordinate system '{system}' is neither LPS nor RAS")
        sign = -1.0 if system == "RAS" else 1.0
        points: Points = {}
        for point in markup["controlPoints"]:
            if point.get("positionStatus", "defined") != "defined":
                continue
            x, y, z = (float(value) for value in point["position"])
            points[_new_name(points, str(point.get("label") or ""))] = (sign * x, sign * y, z)
        lists.append(points)
    return lists


def _table(text: str) -> list[Points]:
    rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    columns = {(name or "").strip().lower() for name in (rows[0] if rows else ())}
    if columns.issuperset(PAIR_COLUMNS):
        groups = [PAIR_COLUMNS[:3], PAIR_COLUMNS[3:]]
    elif columns.issuperset(POINT_COLUMNS):
        groups = [POINT_COLUMNS]
    else:
        raise ValueError(f"it needs the columns {', '.join(PAIR_COLUMNS)}, or {', '.join(POINT_COLUMNS)}")
    lists: list[Points] = [{} for _ in groups]
    for row in rows:
        values = {(name or "").strip().lower(): value for name, value in row.items()}
        for points, group in zip(lists, groups, strict=True):
            x, y, z = (float(values[name]) for name in group)
            points[_new_name(points, (values.get("name") or "").strip())] = (x, y, z)
    return lists


def _new_name(points: Points, name: str) -> str:
    """Returns the name of a point, or its number where it has none or another point has it."""
    return name if name and name not in points else f"#{len(points) + 1}"
