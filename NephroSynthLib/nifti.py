"""Whether a NIfTI file is whole: ITK neither notices a truncated one nor a write that the disk cut short."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, cast

_CHUNK = 1 << 20


def is_whole(path: Path) -> bool:
    """Whether a .nii or .nii.gz file holds all the voxels that its header announces, and its checksum is right.

    Source: NIfTI-1 and NIfTI-2 header layouts (nifti1.h, nifti2.h). A header without its voxels in the same file
    (.hdr) counts as whole.
    """
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with cast(IO[bytes], gzip.open(path) if compressed else path.open("rb")) as file:
            header = file.read(544)
            needed = _announced_size(header)
            if needed is None:
                return True
            if not compressed:
                return path.stat().st_size >= needed
            size = len(header)
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > needed + (64 << 20):
                    return False
            return size >= needed
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error):
        return False


def _announced_size(header: bytes) -> int | None:
    """Bytes up to the end of the voxels; None when the header is not a single-file NIfTI's."""
    for order in "<>":
        if header[344:347] == b"n+1" and struct.unpack_from(f"{order}i", header)[0] == 348:
            dimensions = struct.unpack_from(f"{order}8h", header, 40)
            bits = struct.unpack_from(f"{order}h", header, 72)[0]
            offset = int(struct.unpack_from(f"{order}f", header, 108)[0])
        elif header[4:7] == b"n+2" and struct.unpack_from(f"{order}i", header)[0] == 540:
            dimensions = struct.unpack_from(f"{order}8q", header, 16)
            bits = struct.unpack_from(f"{order}h", header, 12)[0]
            offset = struct.unpack_from(f"{order}q", header, 168)[0]
        else:
            continue
        return offset + math.ceil(math.prod(dimensions[1 : 1 + dimensions[0]]) * bits / 8)
    return None
