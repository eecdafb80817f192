from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.imaging.metaimage import check_metaimage_header, check_metaimage_stream

VOXELS = np.random.default_rng(0).integers(-1000, 1000, (20, 18, 16)).astype("<i2")
SPACING, MATRIX = "ElementSpacing = 0.7 0.7 2\n", "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"


def write(path: Path, fields: str, data: bytes) -> Path:
    head = "ObjectType = Image\nNDims = 3\nDimSize = 16 18 20\nElementType = MET_SHORT\nBinaryData = True\n"
    path.write_bytes(f"{head}{fields}ElementDataFile = LOCAL\n".encode() + data)
    return path


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (MATRIX, "no ElementSpacing"),
        (SPACING, "no TransformMatrix"),
        (f"{SPACING}{MATRIX}DistanceUnits = cm\n", "in cm, not in mm"),
        (f"{SPACING}{MATRIX}DistanceUnits = Jane\n", "in another unit, not in mm"),
    ],
)
def test_a_header_that_leaves_spacing_or_orientation_open_is_refused(tmp_path: Path, fields: str, words: str) -> None:
    path = write(tmp_path / "ct.mha", fields, VOXELS.tobytes())
    sitk.ReadImage(str(path))  # ITK invents the rest
    with pytest.raises(GeometryError, match=words):
        check_metaimage_header(path, "CT")


@pytest.mark.parametrize("field", ["ElementSpacing", "ElementSize"])
@pytest.mark.parametrize("number", ["0", "nan", "inf", "two"])
def test_a_voxel_size_that_is_none_is_named(tmp_path: Path, field: str, number: str) -> None:
    path = write(tmp_path / "ct.mha", f"{field} = 0.7 0.7 {number}\n{MATRIX}", VOXELS.tobytes())
    with pytest.raises(GeometryError, match=field):
        read_image_file(path, "CT")


@pytest.mark.parametrize("suffix", ["mha", "mhd"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_itk_writes_passes(tmp_path: Path, suffix: str, compressed: bool) -> None:
    path = tmp_path / f"ct.{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(path), useCompression=compressed)
    check_metaimage_header(path, "CT")
    check_metaimage_stream(path)


def test_every_flipped_bit_is_told_also_where_itk_reads_on(tmp_path: Path) -> None:
    path = tmp_path / "ct.mha"
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(path), useCompression=True)
    whole = path.read_bytes()
    start = whole.index(b"LOCAL\n") + 6
    read_on = 0
    for place in np.linspace(start + 2, len(whole) - 1, 30).astype(int):
        spoiled = bytearray(whole)
        spoiled[place] ^= 4
        path.write_bytes(bytes(spoiled))
        read_on += int((sitk.GetArrayFromImage(sitk.ReadImage(str(path))) != VOXELS).any())
        with pytest.raises((zlib.error, EOFError)):
            check_metaimage_stream(path)
    assert read_on, "ITK refuses all of them, so this check is no longer needed"


def test_missing_voxels_are_told(tmp_path: Path) -> None:
    fields = f"{SPACING}{MATRIX}CompressedData = True\n"
    for data in (zlib.compress(VOXELS[:-1].tobytes()), zlib.compress(VOXELS.tobytes())[:-30]):
        with pytest.raises(EOFError):
            check_metaimage_stream(write(tmp_path / "ct.mha", fields, data))


@pytest.mark.parametrize("told", ["", "CompressedDataSize = 0\n", "CompressedDataSize = 4000\n"])
def test_a_wrong_length_in_the_header_is_told_where_itk_reads_other_voxels(tmp_path: Path, told: str) -> None:
    data = zlib.compress(VOXELS.tobytes())
    path = write(tmp_path / "ct.mha", f"{SPACING}{MATRIX}CompressedData = True\n{told}", data)
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) != VOXELS).any()
    with pytest.raises(EOFError, match="another length"):
        check_metaimage_stream(path)


def test_a_place_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.mha", f"{SPACING}{MATRIX}Offset = 10 nan 0\n", VOXELS.tobytes())
    sitk.ReadImage(str(path))  # ITK invents it
    with pytest.raises(GeometryError, match="Offset"):
        check_metaimage_header(path, "CT")


def test_a_list_of_compressed_files_is_read_whole(tmp_path: Path) -> None:
    for index, slices in enumerate(np.split(VOXELS, 2)):
        (tmp_path / f"{index}.zraw").write_bytes(zlib.compress(slices.tobytes()))
    path = write(tmp_path / "ct.mhd", f"{SPACING}{MATRIX}CompressedData = True\n", b"0.zraw\n1.zraw\n")
    path.write_bytes(path.read_bytes().replace(b"LOCAL", b"LIST"))
    check_metaimage_stream(path)
    (tmp_path / "1.zraw").write_bytes(zlib.compress(VOXELS[:3].tobytes()))
    with pytest.raises(EOFError):
        check_metaimage_stream(path)
