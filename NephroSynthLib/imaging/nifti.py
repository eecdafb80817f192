"""What is wrong with a NIfTI file: ITK lets truncated ones and writes that the disk cut short pass, and hides NaN."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np

_CHUNK = 1 << 20
_TRAILER = 64 << 20
_FLOATS = {16: "f4", 64: "f8"}


def find_flaw(path: Path) -> Literal["truncated", "not finite"] | None:
    """Whether a .nii or .nii.gz file lacks voxels that its header announces or has a wrong checksum, or has NaN voxels.

    Source: NIfTI-1 and NIfTI-2 header layouts (nifti1.h, nifti2.h). Other files have no flaw that can be told here.
    """
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with cast(IO[bytes], gzip.open(path) if compressed else path.open("rb")) as file:
            layout = _layout(file.read(544))
            return None if layout is None else _scan(file, layout)
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error):
        return "truncated"


@dataclass(frozen=True)
class _Layout:
    offset: int
    size: int
    floats: str | None


def _layout(header: bytes) -> _Layout | None:
    """Where the voxels are, and their type if they are floats; None if the header is not a single-file NIfTI's."""
    for order in "<>":
        if header[344:347] == b"n+1" and struct.unpack_from(f"{order}i", header)[0] == 348:
            dimensions = struct.unpack_from(f"{order}8h", header, 40)
            code, bits = struct.unpack_from(f"{order}2h", header, 70)
            offset = int(struct.unpack_from(f"{order}f", header, 108)[0])
        elif header[4:7] == b"n+2" and struct.unpack_from(f"{order}i", header)[0] == 540:
            dimensions = struct.unpack_from(f"{order}8q", header, 16)
            code, bits = struct.unpack_from(f"{order}2h", header, 12)
            offset = struct.unpack_from(f"{order}q", header, 168)[0]
        else:
            continue
        size = math.ceil(math.prod(dimensions[1 : 1 + dimensions[0]]) * bits / 8)
        return _Layout(offset, size, order + _FLOATS[code] if code in _FLOATS else None)
    return None


def _scan(file: IO[bytes], layout: _Layout) -> Literal["truncated", "not finite"] | None:
    """Reads all voxels once, and what may follow them up to a limit, so that a checksum is checked too."""
    file.seek(layout.offset)
    left, finite = layout.size, True
    while left > 0:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            return "truncated"
        left -= len(chunk)
        if layout.floats is not None and finite:
            whole = len(chunk) - len(chunk) % int(layout.floats[-1])
            finite = bool(np.isfinite(np.frombuffer(chunk[:whole], layout.floats)).all())
    file.read(_TRAILER)
    return None if finite else "not finite"
