"""Reading compressed voxels to their end, which checks their length and checksum. ITK does neither for all formats."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path

BROKEN_STREAM = (EOFError, zlib.error, gzip.BadGzipFile)
"""The errors of a stream that is cut short or has a wrong checksum."""

_CHUNK = 1 << 20
_TRAILER = 64 << 20


def drain(file: BufferedIOBase, size: int) -> None:
    """Reads `size` bytes and a limited amount after them, so that the checksum is reached.

    Raises:
        EOFError: If there are fewer bytes.
        zlib.error, gzip.BadGzipFile: If the stream is damaged.
    """
    while size > 0:
        chunk = file.read(min(_CHUNK, size))
        if not chunk:
            raise EOFError("the stream is cut short")
        size -= len(chunk)
    file.read(_TRAILER)


def drain_zlib(file: BufferedIOBase, size: int) -> int:
    """Inflates the rest of a file, a zlib or gzip stream, of which at least `size` bytes must come.

    Returns:
        The length of the compressed stream in bytes.

    Raises:
        EOFError: If there are fewer bytes, or the stream has no end.
        zlib.error: If it is damaged.
    """
    inflater, length = zlib.decompressobj(32 + zlib.MAX_WBITS), 0
    while not inflater.eof:
        data = inflater.unconsumed_tail
        if not data:
            data = file.read(_CHUNK)
            length += len(data)
        if not data:
            raise EOFError("the stream is cut short")
        size -= len(inflater.decompress(data, 16 * _CHUNK))
    if size > 0:
        raise EOFError("the stream is cut short")
    return length - len(inflater.unused_data)


def data_files(header: Path, name: str, listed: Sequence[str]) -> list[Path]:
    """Returns the files that hold the voxels of a MetaImage or an NRRD.

    Args:
        header: The file with the header.
        name: The place as the header names it: nothing or LOCAL for its own file, a file's name, or a pattern with the
            first number, the last number and the step.
        listed: Names in the lines after the header, if it says LIST.
    """
    if name.lower() in ("", "local"):
        return [header]
    if listed:
        return [header.parent / one for one in listed]
    if "%" in name:
        pattern, first, last, step = name.split()[:4]
        return [header.parent / (pattern % number) for number in range(int(first), int(last) + 1, int(step))]
    return [header.parent / name]
