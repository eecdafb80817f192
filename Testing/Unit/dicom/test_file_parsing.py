from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from NephroSynthLib.dicom.file_parsing import NotDicom, integer_of, parse


@pytest.fixture(scope="module")
def file(
    phantom: Callable[..., sitk.Image],
    write_series: Callable[..., list[Path]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return write_series(phantom(size=(16, 12, 1)), tmp_path_factory.mktemp("series"))[0]


def test_all_attributes_are_those_that_pydicom_reads(file: Path) -> None:
    expected = pydicom.dcmread(file)
    assert parse(file) == expected
    assert parse(file).PixelData == expected.PixelData
    assert parse(file).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_pixels_and_other_attributes_are_left_out_on_demand(file: Path) -> None:
    assert "PixelData" not in parse(file, pixels=False)
    some = parse(file, [Tag("PatientID"), Tag("Rows"), Tag("PixelData")])
    assert {element.keyword for element in some} == {"PatientID", "Rows"}


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_data_set_without_preamble_gets_its_transfer_syntax(file: Path, tmp_path: Path, syntax: str) -> None:
    instance = pydicom.dcmread(file)
    expected = instance.PixelData
    bare = tmp_path / "bare"
    del instance.file_meta
    instance.save_as(bare, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, enforce_file_format=False)
    content = bare.read_bytes()
    bare.write_bytes(content[132:] if content[128:132] == b"DICM" else content)
    read = parse(bare)
    assert read.file_meta.TransferSyntaxUID == syntax
    assert read.PixelData == expected


def test_a_deflated_data_set_is_inflated_up_to_a_limit(file: Path, tmp_path: Path) -> None:
    instance = pydicom.dcmread(file)
    expected = instance.PixelData
    instance.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated = tmp_path / "deflated"
    instance.save_as(deflated)
    assert parse(deflated).PixelData == expected
    bomb = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(bomb.compress(b"\0" * (1 << 20)) for _ in range(80)) + bomb.flush()
    content = deflated.read_bytes()
    end = content.index(b"1.2.840.10008.1.2.1.99")
    meta_length = int.from_bytes(content[140:144], "little")
    assert end < 144 + meta_length
    deflated.write_bytes(content[: 144 + meta_length] + body)
    with pytest.raises(NotDicom, match="out of all proportion"):
        parse(deflated)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"text" * 99, "not DICOM"), (b"PK\x03\x04" * 40, "a zip inside")]
)
def test_what_is_not_dicom_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(NotDicom, match=reason):
        parse(tmp_path / "file")


def test_reading_ends_where_tags_no_longer_ascend(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    rows = content.index(b"\x28\x00\x10\x00US")
    doubled = tmp_path / "doubled"
    doubled.write_bytes(content[:rows] + b"\x08\x00\x60\x00CS\x02\x00CT" + content[rows:])
    assert "Rows" not in parse(doubled)
    assert parse(doubled).Modality == "CT"


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("12", 12), (None, None), ("", None), ([1, 2], None)])
def test_an_integer_is_read_if_it_is_one(value: object, number: int | None) -> None:
    header = Dataset()
    header.SeriesNumber = value
    assert integer_of(header, "SeriesNumber") == number
    assert integer_of(Dataset(), "SeriesNumber") is None


@pytest.mark.filterwarnings("ignore")
def test_text_in_place_of_an_integer_is_none(file: Path, tmp_path: Path) -> None:
    instance = pydicom.dcmread(file)
    instance.InstanceNumber = 271828
    instance.save_as(tmp_path / "text.dcm")
    data = (tmp_path / "text.dcm").read_bytes()
    (tmp_path / "text.dcm").write_bytes(data.replace(b"271828", b"a, b c"))
    assert integer_of(parse(tmp_path / "text.dcm"), "InstanceNumber") is None
