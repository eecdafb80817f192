"""The headers of NRRD files (.nrrd, .nhdr): which facts they leave open, and where their compressed voxels are."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.streams import data_files, drain

_LONGEST_LINE = 1 << 20
_MOST_LINES = 10_000
_SPACES = ("right-anterior-superior", "left-anterior-superior", "left-posterior-superior", "ras", "las", "lps")
_MILLIMETRES = ("", "???", "mm", "millimeter", "millimeters", "millimetre", "millimetres")
_KNOWN_UNITS = ("m", "cm", "um", "µm", "in", "inch")
_SPACINGS = {"spacings": "spacings", "spacedirections": "space directions"}
_WORDS = {"char": 1, "short": 2, "int": 4, "longlong": 8, "float": 4, "double": 8}


@dataclass(frozen=True)
class _Header:
    fields: Mapping[str, str]
    listed: tuple[str, ...]
    end: int


def check_nrrd_header(path: Path, role: str) -> None:
    """Refuses a header without usable spacing or orientation, with two spacings, or with a unit that is not mm.

    ITK takes 1 mm and no turn where they are missing.

    Source: definition of NRRD (teem.sourceforge.net/nrrd/format.html), sections 5 and 6.

    Raises:
        GeometryError: If a fact is missing, has no use, or is stated twice.
        OSError: If the file cannot be read.
    """
    fields = _header(path).fields
    spacings = [float(one) for one in fields.get("spacings", "").split()]
    axis_units = zip(re.findall(r'"([^"]*)"', fields.get("units", "")), spacings, strict=False)
    units = [*re.findall(r'"([^"]*)"', fields.get("spaceunits", "")), *(u for u, s in axis_units if math.isfinite(s))]
    foreign = [unit for unit in units if unit.strip().lower() not in _MILLIMETRES]
    if foreign:
        named = foreign[0] if foreign[0] in _KNOWN_UNITS else "another unit"
        raise GeometryError(
            f"The NRRD header of the {role} gives its voxel size in {named}, not in mm.",
            Action.CORRECT_HEADER,
        )
    directions = re.findall(r"\([^)]*\)|none", fields.get("spacedirections", ""))
    if any(one != "none" and math.isfinite(spacing) for one, spacing in zip(directions, spacings, strict=False)):
        raise GeometryError(
            f"The NRRD header of the {role} gives a voxel size twice ('spacings' beside 'space directions').",
            Action.CORRECT_HEADER,
        )
    vectors = [one for one in directions if "nan" not in one.lower() and re.search("[1-9]", one)]
    if max(len(vectors), sum(math.isfinite(spacing) and spacing != 0 for spacing in spacings)) < 3:
        named = " and ".join(f"'{name}'" for key, name in _SPACINGS.items() if key in fields)
        raise GeometryError(
            f"The NRRD header of the {role} has no voxel size along each of its three axes"
            + (f": see {named}." if named else "."),
            Action.CORRECT_HEADER,
        )
    if len(vectors) < 3 or fields.get("space", "").lower() not in _SPACES:
        raise GeometryError(
            f"The NRRD header of the {role} does not say how the patient lies (no 'space' such as "
            "left-posterior-superior, or no 'space directions').",
            Action.CORRECT_HEADER,
        )


def nrrd_content(path: Path) -> str:
    """Returns the field 'content' of the header; empty where it has none.

    Raises:
        OSError: If the file cannot be read.
    """
    return _header(path).fields.get("content", "")


def check_nrrd_stream(path: Path) -> None:
    """Reads the compressed voxels of an NRRD file to their end; does nothing where they are not compressed.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile: If they are truncated or damaged.
        OSError: If a file cannot be read.
    """
    header = _header(path)
    if header.fields.get("encoding", "").lower() not in ("gzip", "gz"):
        return
    files = data_files(path, header.fields.get("datafile", ""), header.listed)
    for place in files:
        with place.open("rb") as file:
            file.seek(header.end if place == path else 0)
            for _ in range(int(header.fields.get("lineskip", "0"))):
                file.readline()
            with gzip.GzipFile(fileobj=file) as stream:
                drain(stream, max(0, int(header.fields.get("byteskip", "0"))) + _size(header.fields) // len(files))


def _header(path: Path) -> _Header:
    """Reads the fields, by name without spaces, up to the blank line or the end; leaves out key/value pairs."""
    fields: dict[str, str] = {}
    listed: list[str] = []
    with path.open("rb") as file:
        file.readline(_LONGEST_LINE)
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE).decode("utf-8", "replace").rstrip("\r\n")
            if not line:
                break
            if fields.get("datafile", "").split()[:1] == ["LIST"]:
                listed.append(line)
            elif ":=" not in line and ": " in line and not line.startswith("#"):
                name, _, value = line.partition(": ")
                fields[name.lower().replace(" ", "")] = value.strip()
        return _Header(fields, tuple(listed), file.tell())


def _size(fields: Mapping[str, str]) -> int:
    """Returns the length of all voxels in bytes; 0 for a type without a known size."""
    bits = re.search(r"int(\d+)", fields.get("type", ""))
    word = re.sub(r"unsigned|signed|\s|int$", "", fields.get("type", "")).removeprefix("u") or "int"
    size = int(bits.group(1)) // 8 if bits else _WORDS.get(word, 0)
    return size * math.prod(int(n) for n in fields.get("sizes", "0").split())
