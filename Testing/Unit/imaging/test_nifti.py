from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.imaging.nifti import check_nifti_stream, read_nifti_header, read_nifti_voxels

SHAPE = (7, 6, 5)
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


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
        put(76, "f4", -1, 0.7, 0.8, 2.5)
        put(108, "f4", offset)
        put(252, "i2", 1, 2)
        put(256, "f4", 0.1, -0.2, 0.3, 10, 20, 30)
        put(280, "f4", *range(12))
        header[344:348] = b"n+1\0"
    else:
        put(0, "i4", 540)
        header[4:12] = b"n+2\0\r\n\x1a\n"
        put(12, "i2", code, values.itemsize * 8)
        put(16, "i8", 3, *SHAPE)
        put(104, "f8", -1, 0.7, 0.8, 2.5)
        put(168, "i8", offset)
        put(344, "i4", 1, 2)
        put(352, "f8", 0.1, -0.2, 0.3, 10, 20, 30)
        put(400, "f8", *range(12))
    return bytes(header) + values.astype(values.dtype.newbyteorder(order)).tobytes()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8", "i2"])
@pytest.mark.parametrize("compressed", [False, True])
class TestReading:
    @pytest.fixture
    def values(self, kind: str) -> np.ndarray:
        return np.random.default_rng(0).integers(-1000, 1000, SHAPE[::-1]).astype(kind)

    @pytest.fixture
    def path(self, tmp_path: Path, compressed: bool) -> Path:
        return tmp_path / ("ct.nii.gz" if compressed else "ct.nii")

    def write(self, path: Path, content: bytes) -> None:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    def test_header_and_voxels_are_those_of_the_file(
        self, path: Path, values: np.ndarray, version: int, order: str
    ) -> None:
        self.write(path, nifti(values, version, order))
        check_nifti_stream(path)
        header = read_nifti_header(path)
        assert header is not None
        assert header.shape == SHAPE
        assert header.scale is header.unit is None
        np.testing.assert_allclose(header.voxel_size, (0.7, 0.8, 2.5), rtol=1e-6)
        np.testing.assert_array_equal(header.sform[:3], np.arange(12).reshape(3, 4))
        np.testing.assert_array_equal(header.qform[:3, 3], (10, 20, 30))
        read = read_nifti_voxels(path, header)
        assert read.dtype == values.dtype
        np.testing.assert_array_equal(read, values)

    def test_one_byte_less_is_told(self, path: Path, values: np.ndarray, version: int, order: str) -> None:
        self.write(path, nifti(values, version, order)[:-1])
        with pytest.raises(EOFError):
            check_nifti_stream(path)
        with pytest.raises(EOFError):
            read_nifti_voxels(path, read_nifti_header(path))


@pytest.mark.parametrize("kind", [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt32, sitk.sitkInt64, sitk.sitkFloat64])
@pytest.mark.parametrize("scale", [(0.0, 0.0), (0.1, -1024.3), (float("nan"), 0.0)])
def test_voxels_are_those_that_itk_reads(tmp_path: Path, kind: int, scale: tuple[float, float]) -> None:
    path = tmp_path / "ct.nii"
    random = np.random.default_rng(0).integers(0, 250, (5, 6, 7))
    sitk.WriteImage(sitk.Cast(sitk.GetImageFromArray(random), kind), str(path))
    data = bytearray(path.read_bytes())
    data[112:120] = np.array(scale, "<f4").tobytes()
    path.write_bytes(data)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkFloat32))
    read = read_nifti_voxels(path, read_nifti_header(path))
    np.testing.assert_array_equal(read.astype(np.float32), expected)


def test_several_values_in_each_voxel_come_last(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 6, 7, 3)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=True), str(tmp_path / "vectors.nii"))
    header = read_nifti_header(tmp_path / "vectors.nii")
    assert (header.shape, header.components) == ((7, 6, 5), 3)
    np.testing.assert_array_equal(read_nifti_voxels(tmp_path / "vectors.nii", header), values)


@given(st.integers(1, 400), st.integers(1, 255))
def test_a_changed_byte_in_a_compressed_file_is_told(
    tmp_path_factory: pytest.TempPathFactory, place: int, bits: int
) -> None:
    content = bytearray(gzip.compress(nifti(np.random.default_rng(0).random(SHAPE).astype("f4"), 1, "<")))
    content[-place] ^= bits
    path = tmp_path_factory.mktemp("nifti") / "ct.nii.gz"
    path.write_bytes(bytes(content))
    with pytest.raises(BROKEN):
        check_nifti_stream(path)


@given(st.binary(max_size=600))
def test_other_content_is_no_nifti(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("nifti") / "ct.nii"
    path.write_bytes(content)
    try:
        assert read_nifti_header(path) is None
    except BROKEN:
        assert content.startswith(b"\x1f\x8b")


@pytest.mark.parametrize("quaternion", [(0.9, 0.9, 0.3), (np.nan, 0, 0)])
def test_a_quaternion_that_is_no_turn_makes_no_form(tmp_path: Path, quaternion: tuple[float, ...]) -> None:
    content = bytearray(nifti(np.zeros(SHAPE[::-1], "i2"), 1, "<"))
    content[256:268] = np.array(quaternion, "<f4").tobytes()
    (tmp_path / "ct.nii").write_bytes(bytes(content))
    header = read_nifti_header(tmp_path / "ct.nii")
    assert header is not None
    assert header.qform is not None
    assert np.isnan(header.qform).all()
