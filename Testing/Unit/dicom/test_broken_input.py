"""Whatever is done to DICOM files, reading them ends in a volume, a recorded skip or a clear error."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from NephroSynthLib.dicom.headers import Header, read_header
from NephroSynthLib.dicom.index import DicomIndex, index_dicom
from NephroSynthLib.dicom.reading import read_series
from NephroSynthLib.dicom.sources import Skipped
from NephroSynthLib.errors import InputError
from NephroSynthLib.exam import read_volume

pytestmark = pytest.mark.filterwarnings("ignore")

WriteSeries = Callable[..., list[Path]]
SLICES = 18

thorough = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def series_files(
    phantom: Callable[..., sitk.Image], write_series: WriteSeries, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    image = phantom(size=(16, 16, SLICES), spacing=(22.0, 18.0, 6.0))
    return write_series(image, tmp_path_factory.mktemp("series"))


@pytest.fixture(scope="module")
def real_file(real_ct: Path) -> bytes:
    return sorted(real_ct.iterdir())[0].read_bytes()


def survey(folder: Path) -> DicomIndex:
    """Indexes a folder and reads all of its volumes; a clear error is a good end, and no file may appear."""
    before = sorted(folder.rglob("*"))
    index = index_dicom(folder)
    for series in index.volumes:
        with contextlib.suppress(InputError):
            image = read_series(series).image
            assert np.isfinite(sitk.GetArrayViewFromImage(image)).all()
    known = {source for series in index.series for source in series.files} | {skipped.path for skipped in index.skipped}
    assert known == {path for path in before if path.is_file()}
    assert sorted(folder.rglob("*")) == before
    return index


@thorough
@given(data=st.data())
def test_damaged_bytes(series_files: list[Path], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in series_files:
            shutil.copy(path, folder)
        for _ in range(data.draw(st.integers(1, 4), label="files")):
            victim = folder / data.draw(st.sampled_from(series_files), label="file").name
            content = bytearray(victim.read_bytes())
            if not content:
                continue
            kind = data.draw(st.sampled_from(["cut", "flip", "insert", "remove", "zero", "swap"]), label="kind")
            place = data.draw(st.integers(0, len(content) - 1), label="place")
            length = data.draw(st.integers(1, 40), label="length")
            if kind == "cut":
                del content[place:]
            elif kind == "flip":
                content[place] ^= data.draw(st.integers(1, 255), label="bits")
            elif kind == "insert":
                content[place:place] = data.draw(st.binary(min_size=1, max_size=40), label="bytes")
            elif kind == "remove":
                del content[place : place + length]
            elif kind == "zero":
                content[place : place + length] = bytes(length)
            else:
                content[132:] = np.frombuffer(bytes(content[132 : len(content) // 2 * 2]), "<u2").byteswap().tobytes()
            victim.write_bytes(bytes(content))
        survey(folder)


ATTRIBUTES = (
    *("SOPClassUID", "SOPInstanceUID", "Modality", "ImageType", "PatientID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("RescaleSlope", "RescaleIntercept", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated"),
    *("BitsStored", "HighBit", "PixelRepresentation", "InstanceNumber", "Rows", "Columns", "PixelSpacing"),
    *("ImageOrientationPatient", "ImagePositionPatient", "PixelData", "SeriesNumber"),
)
ODD_VALUES = (None, "", 0, -1, 7, 65535, "nan", "inf", "1e400", "-", [1], [0, 0], ["nan"] * 6, ["1"] * 3, [1e308] * 6)


@thorough
@given(
    st.lists(
        st.tuples(st.integers(0, SLICES - 1), st.sampled_from(ATTRIBUTES), st.sampled_from(ODD_VALUES)),
        min_size=1,
        max_size=5,
    )
)
def test_missing_and_absurd_attributes(series_files: list[Path], changes: list[tuple[int, str, object]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in series_files:
            shutil.copy(path, folder)
        for number, keyword, value in changes:
            victim = folder / series_files[number].name
            instance = pydicom.dcmread(victim)
            try:
                if value is None:
                    delattr(instance, keyword)
                else:
                    setattr(instance, keyword, value)
                instance.save_as(victim)
            except Exception:  # pydicom does not write every value; the file stays as it was
                shutil.copy(series_files[number], victim)
        survey(folder)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3000), st.booleans())
def test_random_bytes_are_never_a_volume(content: bytes, preamble: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file"
        path.write_bytes((bytes(128) + b"DICM" if preamble else b"") + content)
        found = read_header(path)
        assert isinstance(found, Skipped) or found.set_aside
        with pytest.raises(InputError):
            read_volume(Path(name), "excretory phase")


@pytest.mark.parametrize(
    "element", [b"\0" * 8, b"\x08\x00\x05\x00", b"\x08\x00\x60\x00CS\xff\xff", b"\xfe\xff\x00\xe0"]
)
def test_long_garbage_behind_a_preamble_ends_soon(tmp_path: Path, element: bytes) -> None:
    (tmp_path / "file").write_bytes(bytes(128) + b"DICM" + element * (30_000_000 // len(element)))
    found = read_header(tmp_path / "file")
    assert isinstance(found, Skipped) or found.set_aside


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 160_000), st.integers(1, 255))
def test_a_damaged_compressed_image(real_file: bytes, place: int, bits: int) -> None:
    content = bytearray(real_file)
    content[place % len(content)] ^= bits
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file"
        path.write_bytes(bytes(content))
        found = read_header(path)
        assert isinstance(found, Skipped | Header)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_run_length_code(series_files: list[Path], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in series_files:
            instance = pydicom.dcmread(path)
            instance.compress(RLELossless, generate_instance_uid=False)
            instance.save_as(folder / path.name)
        victim = folder / data.draw(st.sampled_from(series_files)).name
        content = bytearray(victim.read_bytes())
        place = data.draw(st.integers(1, 400))
        content[-place] ^= data.draw(st.integers(1, 255))
        victim.write_bytes(bytes(content))
        survey(folder)


def test_big_endian_values_under_a_little_endian_name(series_files: list[Path], tmp_path: Path) -> None:
    for path in series_files:
        instance = pydicom.dcmread(path)
        instance.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pydicom.dcmwrite(tmp_path / path.name, instance, implicit_vr=False, little_endian=False)
        content = (tmp_path / path.name).read_bytes()
        (tmp_path / path.name).write_bytes(content.replace(b"1.2.840.10008.1.2.2\0", b"1.2.840.10008.1.2.1\0"))
    assert survey(tmp_path).volumes == ()
    with pytest.raises(InputError, match="excretory phase"):
        read_volume(tmp_path, "excretory phase")


def test_a_deflated_data_set_that_inflates_without_end(tmp_path: Path) -> None:
    import zlib

    bare = Dataset()
    bare.Modality = "CT"
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflater.compress(b"\x08\x00\x60\x00CS\x02\x00CT") + deflater.compress(bytes(100 << 20)) + deflater.flush()
    syntax = b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    group = b"\x02\x00\x00\x00UL\x04\x00" + len(syntax).to_bytes(4, "little")
    (tmp_path / "file").write_bytes(bytes(128) + b"DICM" + group + syntax + body)
    found = read_header(tmp_path / "file")
    assert isinstance(found, Skipped)
    assert found.reason == "inflates out of all proportion"
