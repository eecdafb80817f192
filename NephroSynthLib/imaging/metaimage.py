"""The headers of MetaImage files (.mha, .mhd): which facts they leave open, and where their compressed voxels are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from NephroSynthLib.errors import Action, GeometryError
from NephroSynthLib.imaging.streams import data_files, drain_zlib

_LONGEST_LINE = 1 << 16
_MOST_LINES = 10_000
_SPACINGS = ("ElementSpacing", "ElementSize")
_ORIENTATIONS = ("TransformMatrix", "Rotation", "Orientation")
_PLACES = ("Offset", "Position", "Origin")
_BYTES = {
    **{"MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4},
    **{"MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8},
}


def check_metaimage_header(path: Path, role: str) -> None:
    """Refuses a header without usable spacing or orientation, or with a unit that is not mm.

    ITK takes 1 mm and no turn where they are missing.

    Raises:
        GeometryError: If a fact is missing, or has no use.
        OSError: If the file cannot be read.
    """
    fields, _, _ = _header(path)
    if not any(name in fields for name in _SPACINGS):
        raise GeometryError(
            f"The MetaImage header of the {role} has no voxel size (no ElementSpacing).", Action.CORRECT_HEADER
        )
    for name in (name for name in _SPACINGS if name in fields):
        if any(not _is_finite(word) or float(word) == 0 for word in fields[name].split()):
            raise GeometryError(
                f"The MetaImage header of the {role} gives a voxel size that is 0 or no number ({name}).",
                Action.CORRECT_HEADER,
            )
    if not any(name in fields for name in _ORIENTATIONS):
        raise GeometryError(
            f"The MetaImage header of the {role} does not say how the patient lies (no TransformMatrix).",
            Action.CORRECT_HEADER,
        )
    if not all(map(_is_finite, (word for name in _PLACES for word in fields.get(name, "").split()))):
        raise GeometryError(
            f"The MetaImage header of the {role} does not say where the patient lies (an Offset that is no number).",
            Action.CORRECT_HEADER,
        )
    unit = fields.get("DistanceUnits", "mm")
    if unit not in ("mm", "?"):
        named = unit if unit in ("um", "cm", "m") else "another unit"
        raise GeometryError(
            f"The MetaImage header of the {role} gives its voxel size in {named}, not in mm.",
            Action.CORRECT_HEADER,
        )


def metaimage_comment(path: Path) -> str:
    """Returns the field Comment of the header; empty where it has none.

    Raises:
        OSError: If the file cannot be read.
    """
    return _header(path)[0].get("Comment", "")


def check_metaimage_stream(path: Path) -> None:
    """Reads the compressed voxels of a MetaImage to their end; does nothing where they are not compressed.

    ITK needs their length in the header, and takes whatever it can inflate of a shorter one as voxels.

    Raises:
        EOFError, zlib.error: If they are truncated or damaged.
        OSError: If a file cannot be read.
    """
    fields, listed, end = _header(path)
    if fields.get("CompressedData", "False").lower() not in ("true", "1"):
        return
    files = data_files(path, fields.get("ElementDataFile", ""), listed)
    for place in files:
        with place.open("rb") as file:
            file.seek(end if place == path else max(0, int(fields.get("HeaderSize", "0"))))
            length = drain_zlib(file, _size(fields) // len(files))
        told = int(fields.get("CompressedDataSize", "0"))
        if len(files) == 1 and told < length and (told or place == path):
            raise EOFError("the header states another length of the compressed voxels")


def _header(path: Path) -> tuple[Mapping[str, str], list[str], int]:
    """Reads the fields, of which ElementDataFile is the last, the names after a LIST, and the header's length."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for _ in range(_MOST_LINES):
            name, found, value = file.readline(_LONGEST_LINE).decode("utf-8", "replace").partition("=")
            if not found:
                break
            fields[name.strip()] = value.strip()
            if name.strip() == "ElementDataFile":
                break
        end = file.tell()
        several = fields.get("ElementDataFile", "").split()[:1] == ["LIST"]
        listed = [line.decode("utf-8", "replace").strip() for line in file] if several else []
        return fields, [line for line in listed if line], end


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _size(fields: Mapping[str, str]) -> int:
    """Returns the length of all voxels in bytes; 0 for a type without a known size."""
    size = math.prod(int(n) for n in fields.get("DimSize", "0").split())
    return size * int(fields.get("ElementNumberOfChannels", "1")) * _BYTES.get(fields.get("ElementType", ""), 0)
