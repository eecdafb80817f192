from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.imaging.streams import data_files, drain, drain_zlib


@given(st.binary(max_size=300), st.sampled_from([zlib.compress, gzip.compress]))
def test_a_whole_zlib_or_gzip_stream_passes_and_a_longer_one_is_missed(data: bytes, compress: object) -> None:
    stream = compress(data)
    assert drain_zlib(io.BytesIO(stream + b"more"), len(data)) == len(stream)
    with pytest.raises(EOFError):
        drain_zlib(io.BytesIO(compress(data)), len(data) + 1)


@given(st.binary(min_size=10, max_size=300), st.data())
def test_no_stream_with_a_changed_byte_passes_unless_it_holds_the_same_data(data: bytes, choice: st.DataObject) -> None:
    """Two streams may hold the same data, for example where a run of one byte is copied from another distance."""
    spoiled = bytearray(zlib.compress(data))
    place = choice.draw(st.integers(2, len(spoiled) - 1))
    spoiled[place] ^= choice.draw(st.integers(1, 255))
    try:
        same = zlib.decompress(spoiled) == data
    except zlib.error:
        same = False
    if same:
        drain_zlib(io.BytesIO(spoiled), len(data))
    else:
        with pytest.raises((zlib.error, EOFError)):
            drain_zlib(io.BytesIO(spoiled), len(data))


def test_the_checksum_behind_the_voxels_is_reached() -> None:
    spoiled = bytearray(gzip.compress(bytes(range(200))))
    spoiled[-6] ^= 1
    with gzip.GzipFile(fileobj=io.BytesIO(spoiled)) as file, pytest.raises(gzip.BadGzipFile):
        drain(file, 200)


def test_places_of_the_voxels() -> None:
    header = Path("folder/ct.nhdr")
    assert data_files(header, "", ()) == data_files(header, "LOCAL", ()) == [header]
    assert data_files(header, "ct raw.gz", ()) == [Path("folder/ct raw.gz")]
    assert data_files(header, "LIST", ("a", "b")) == [Path("folder/a"), Path("folder/b")]
    assert data_files(header, "ct%02d.raw 1 5 2", ()) == [Path(f"folder/ct0{n}.raw") for n in (1, 3, 5)]
