"""Parsing of a DICOM file with pydicom, with limits that stop damaged and malicious files."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from NephroSynthLib.dicom.input_files import Source, starts_as_dicom

PIXEL_DATA = Tag("PixelData")
_FIRST_TAG = Tag(0x0008, 0x0000)
_FIRST_PIXEL_TAG = Tag(0x7FE0, 0x0000)
_INFLATED_LEAST, _INFLATED_RATIO = 64 << 20, 200

StopWhen = Callable[[BaseTag, str | None, int], bool]


class NotDicom(Exception):
    """A file that is not a DICOM object or must not be read; the message is the reason to record."""


def parse(source: Source, tags: list[BaseTag] | None = None, *, pixels: bool = True) -> Dataset:
    """Reads a DICOM file, with or without preamble; `file_meta` always has a transfer syntax.

    Args:
        source: The file.
        tags: The attributes to read; None for all of them up to the pixels.
        pixels: Whether to read the pixels too; they are never read where `tags` are given.

    Raises:
        NotDicom: If the file is not DICOM.
        Exception: Whatever pydicom raises on damaged data.
    """
    with source.open("rb") as opened:
        file = cast(BinaryIO, opened)
        start = file.read(132)
        if not start:
            raise NotDicom("empty")
        if not starts_as_dicom(start):
            raise NotDicom("a zip inside; give it on its own" if start[:4] == b"PK\x03\x04" else "not DICOM")
        file.seek(132 if start[128:132] == b"DICM" else 0)
        meta = FileMetaDataset(read_dataset(file, False, True, stop_when=_ascending(Tag(2, 0), Tag(3, 0))))
        syntax = meta.get("TransferSyntaxUID") or None
        if syntax == DeflatedExplicitVRLittleEndian:
            file = _inflated(file)
        dataset = read_dataset(
            file,
            syntax == ImplicitVRLittleEndian,
            syntax != ExplicitVRBigEndian,
            stop_when=_ascending(_FIRST_TAG, Tag(PIXEL_DATA + 1) if pixels and tags is None else _FIRST_PIXEL_TAG),
            specific_tags=cast(Any, tags),
        )
    if syntax is None:
        implicit = bool(dataset.original_encoding[0])
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def integer_of(attributes: Dataset, keyword: str) -> int | None:
    """Returns the value of an integer attribute; None if it is missing, or is not one integer, as free text is not."""
    try:
        return int(attributes.get(keyword))
    except (TypeError, ValueError):
        return None


def _ascending(first: BaseTag, end: BaseTag) -> StopWhen:
    """Stops outside [first, end), and where tags no longer ascend, as they do in every valid data set (PS3.5 7.1).

    pydicom may ask twice for the first tag.
    """
    last, repeats, limit = int(first) - 1, 0, int(end)

    def stop(tag: BaseTag, vr: str | None, length: int) -> bool:
        nonlocal last, repeats
        number = int(tag)
        repeats = repeats + 1 if number == last else 0
        stops = not last <= number < limit or repeats > 1
        last = number
        return stops

    return stop


def _inflated(file: BinaryIO) -> BinaryIO:
    """Inflates a deflated data set (PS3.5 A.5) up to a limit."""
    body = file.read()
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(body, max(_INFLATED_LEAST, _INFLATED_RATIO * len(body)))
    if inflater.unconsumed_tail:
        raise NotDicom("inflates out of all proportion")
    return io.BytesIO(data)
