from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.imaging.nifti import find_flaw

SHAPE = (7, 6, 5)


def nifti(values: np.ndarray, version: int, order: str) -> bytes:
    """A NIfTI file as the headers nifti1.h and nifti2.h lay it out."""
    code, offset = {"f4": 16, "f8": 64, "i2": 4}[values.dtype.str[1:]], 352 if version == 1 else 544
    header = bytearray(offset)

    def put(position: int, kind: str, *numbers: float) -> None:
        data = np.array(numbers, order + kind).tobytes()
        header[position : position + len(data)] = data

    if version == 1:
        put(0, "i4", 348)
        put(40, "i2", 3, *SHAPE)
        put(70, "i2", code, values.itemsize * 8)
        put(108, "f4", offset)
        header[344:348] = b"n+1\0"
    else:
        put(0, "i4", 540)
        header[4:12] = b"n+2\0\r\n\x1a\n"
        put(12, "i2", code, values.itemsize * 8)
        put(16, "i8", 3, *SHAPE)
        put(168, "i8", offset)
    return bytes(header) + values.astype(values.dtype.newbyteorder(order)).tobytes()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8", "i2"])
@pytest.mark.parametrize("compressed", [False, True])
class TestFlaws:
    @pytest.fixture
    def values(self, kind: str) -> np.ndarray:
        return np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(kind)

    @pytest.fixture
    def path(self, tmp_path: Path, compressed: bool) -> Path:
        return tmp_path / ("ct.nii.gz" if compressed else "ct.nii")

    def write(self, path: Path, content: bytes) -> None:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    def test_a_whole_file_has_none(self, path: Path, values: np.ndarray, version: int, order: str) -> None:
        self.write(path, nifti(values, version, order))
        assert find_flaw(path) is None

    def test_one_byte_less_is_told(self, path: Path, values: np.ndarray, version: int, order: str) -> None:
        self.write(path, nifti(values, version, order)[:-1])
        assert find_flaw(path) == "truncated"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_told(tmp_path: Path, version: int, order: str, kind: str, value: float) -> None:
    values = np.zeros(SHAPE, kind)
    values[3, 2, 1] = value
    (tmp_path / "ct.nii").write_bytes(nifti(values, version, order))
    assert find_flaw(tmp_path / "ct.nii") == "not finite"


@given(st.integers(1, 400), st.integers(1, 255))
def test_a_changed_byte_in_a_compressed_file_is_told(
    tmp_path_factory: pytest.TempPathFactory, place: int, bits: int
) -> None:
    content = bytearray(gzip.compress(nifti(np.random.default_rng(0).random(SHAPE).astype("f4"), 1, "<")))
    content[-place] ^= bits
    path = tmp_path_factory.mktemp("nifti") / "ct.nii.gz"
    path.write_bytes(bytes(content))
    assert find_flaw(path) is not None


@given(st.binary(max_size=600))
def test_other_content_never_fails(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("nifti") / "ct.nii"
    path.write_bytes(content)
    assert find_flaw(path) in (None, "truncated")
