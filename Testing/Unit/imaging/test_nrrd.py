from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.imaging.nrrd import check_nrrd_header, check_nrrd_stream

VOXELS = np.random.default_rng(0).integers(-1000, 1000, (20, 18, 16)).astype("<i2")
SPACE = "space: left-posterior-superior\nspace directions: (0.7,0,0) (0,0.7,0) (0,0,2)\n"


def write(path: Path, fields: str, data: bytes, encoding: str = "raw") -> Path:
    head = f"NRRD0005\n# a comment: ignored\ntype: short\ndimension: 3\nsizes: 16 18 20\nencoding: {encoding}\n"
    path.write_bytes(f"{head}endian: little\nnote:=spacings: 1 1 1\n{fields}\n".encode() + data)
    return path


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("", "no voxel size"),
        ("space: RAS\nspace directions: (0.7,0,0) (0,0.7,0) none\n", "no voxel size"),
        ("spacings: 0.7 0.7 nan\n", "no voxel size"),
        ("spacings: 0.7 0.7 2\n", "how the patient lies"),
        ("space dimension: 3\nspace directions: (0.7,0,0) (0,0.7,0) (0,0,2)\n", "how the patient lies"),
        (f'{SPACE}space units: "cm" "cm" "cm"\n', "in cm, not in mm"),
        ('spacings: 0.07 0.07 0.2\nunits: "cm" "cm" "cm"\n', "in cm, not in mm"),
        (f'{SPACE}space units: "Jane Doe" "mm" "mm"\n', "in another unit, not in mm"),
    ],
)
def test_a_header_that_leaves_spacing_or_orientation_open_is_refused(tmp_path: Path, fields: str, words: str) -> None:
    path = write(tmp_path / "ct.nrrd", fields, VOXELS.tobytes())
    sitk.ReadImage(str(path))  # ITK invents the rest
    with pytest.raises(GeometryError, match=words):
        check_nrrd_header(path, "CT")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (f"{SPACE}spacings: 0.7 0.7 2\n", "'spacings' beside 'space directions'"),
        (f"{SPACE}spacings: nan nan 2\n", "'spacings' beside 'space directions'"),
        ("space: left-posterior-superior\nspacings: 0.7 0.7 2\n", "no 'space directions'"),
        ("spacings: 0.7 0.7 0\n", "three axes: see 'spacings'"),
        (SPACE.replace("(0,0,2)", "(0,0,0)"), "three axes: see 'space directions'"),
        (SPACE.replace("(0,0,2)", "(0,0,nan)"), "three axes: see 'space directions'"),
    ],
)
def test_a_voxel_size_that_itk_cannot_read_is_named(tmp_path: Path, fields: str, words: str) -> None:
    path = write(tmp_path / "ct.nrrd", fields, VOXELS.tobytes())
    with pytest.raises(GeometryError, match=words):
        read_image_file(path, "CT")


def test_spacings_that_are_not_known_beside_directions_pass(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.nrrd", f"{SPACE}spacings: nan nan nan\n", VOXELS.tobytes())
    assert read_image_file(path, "CT").GetSpacing() == pytest.approx((0.7, 0.7, 2.0))


@pytest.mark.parametrize("fields", [SPACE, f'{SPACE}space units: "mm" "mm" "mm"\n', SPACE.replace(",", ", ")])
def test_a_header_with_all_facts_passes(tmp_path: Path, fields: str) -> None:
    check_nrrd_header(write(tmp_path / "ct.nrrd", fields, b""), "CT")


def test_layers_have_no_direction_of_their_own(tmp_path: Path) -> None:
    layers = sitk.Compose([sitk.Image(16, 18, 20, sitk.sitkUInt8)] * 2)
    sitk.WriteImage(layers, str(tmp_path / "kidneys.seg.nrrd"))
    check_nrrd_header(tmp_path / "kidneys.seg.nrrd", "label map")


@pytest.mark.parametrize("encoding", ["gzip", "gz"])
class TestStream:
    data = gzip.compress(VOXELS.tobytes())

    def test_whole_voxels_pass(self, tmp_path: Path, encoding: str) -> None:
        path = write(tmp_path / "ct.nrrd", SPACE, self.data, encoding)
        check_nrrd_stream(path)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), VOXELS)

    @pytest.mark.parametrize("place", [0.2, 0.6, 0.97])
    def test_a_flipped_bit_is_told(self, tmp_path: Path, encoding: str, place: float) -> None:
        spoiled = bytearray(self.data)
        spoiled[int(place * len(spoiled))] ^= 4
        with pytest.raises((zlib.error, gzip.BadGzipFile, EOFError)):
            check_nrrd_stream(write(tmp_path / "ct.nrrd", SPACE, bytes(spoiled), encoding))

    @pytest.mark.parametrize("data", [data[:-30], gzip.compress(VOXELS[:-1].tobytes())])
    def test_missing_voxels_are_told(self, tmp_path: Path, encoding: str, data: bytes) -> None:
        with pytest.raises(EOFError):
            check_nrrd_stream(write(tmp_path / "ct.nrrd", SPACE, data, encoding))

    @pytest.mark.parametrize("field", ["LIST\n1.gz\n2.gz", "%d.gz 1 2 1"])
    def test_voxels_in_other_files_are_read_too(self, tmp_path: Path, encoding: str, field: str) -> None:
        (tmp_path / "1.gz").write_bytes(gzip.compress(VOXELS[:10].tobytes()))
        (tmp_path / "2.gz").write_bytes(gzip.compress(VOXELS[10:].tobytes()))
        path = write(tmp_path / "ct.nhdr", f"{SPACE}data file: {field}", b"", encoding)
        check_nrrd_stream(path)
        (tmp_path / "2.gz").write_bytes((tmp_path / "2.gz").read_bytes()[:-40])
        with pytest.raises(EOFError):
            check_nrrd_stream(path)


@pytest.mark.parametrize(
    "kind", ["short", "unsigned short int", "uint16_t", "int16", "signed short", "ushort", "short int"]
)
def test_the_names_of_a_type_give_the_same_size(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "ct.nrrd", SPACE, gzip.compress(VOXELS.tobytes()), "gz")
    path.write_bytes(path.read_bytes().replace(b"type: short", b"type: " + kind.encode()))
    check_nrrd_stream(path)
    path.write_bytes(path.read_bytes().replace(b"sizes: 16 18 20", b"sizes: 16 18 21"))
    with pytest.raises(EOFError):
        check_nrrd_stream(path)
