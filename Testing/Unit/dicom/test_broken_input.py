"""Whatever is done to DICOM files, reading them ends in a volume, a recorded skip or a clear error."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from NephroSynthLib.dicom.file_header import read_header
from NephroSynthLib.dicom.index import DicomIndex, index_dicom
from NephroSynthLib.dicom.input_files import Skipped
from NephroSynthLib.dicom.series_reading import read_series
from NephroSynthLib.dicom.study_export import export_dicom
from NephroSynthLib.errors import InputError
from NephroSynthLib.exam.volume import read_volume

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
def hounsfield(series_files: list[Path]) -> dict[str, np.ndarray]:
    """HU of the slice in each file, by its name."""
    instances = [pydicom.dcmread(path) for path in series_files]
    values = [instance.pixel_array.astype(float) + float(instance.RescaleIntercept) for instance in instances]
    return {path.name: one for path, one in zip(series_files, values, strict=True)}


@pytest.fixture(scope="module")
def real_file(real_ct: Path) -> bytes:
    return sorted(real_ct.iterdir())[0].read_bytes()


def survey(folder: Path, expected: Mapping[str, np.ndarray] | None = None) -> DicomIndex:
    """Indexes a folder and reads all of its volumes; a clear error is a good end, and no file may appear.

    Args:
        folder: The files.
        expected: HU of the slice in each file, by its name, where they must be these.
    """
    before = sorted(folder.rglob("*"))
    index = index_dicom(folder)
    for series in index.volumes:
        with contextlib.suppress(InputError):
            values = sitk.GetArrayFromImage(read_series(series).image)
            assert np.isfinite(values).all()
            for piece, found in zip(series.slices, values, strict=True):
                if expected is not None:
                    np.testing.assert_array_equal(found, expected[piece.source.name])
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
    *("ImageOrientationPatient", "ImagePositionPatient", "PixelData", "SeriesNumber", "FrameOfReferenceUID"),
    *("SliceThickness", "SpecificCharacterSet", "PatientName", "PatientBirthDate", "TimezoneOffsetFromUTC"),
)
VALUES_ARE_BY = {"RescaleSlope", "RescaleIntercept", "BitsStored", "HighBit", "PixelRepresentation"}
ODD_VALUES = (None, "", 0, -1, 7, 65535, "nan", "inf", "1e400", "-", [1], [0, 0], ["nan"] * 6, ["1"] * 3, [1e308] * 6)


def attribute_changes() -> st.SearchStrategy[list[tuple[set[int], str, object]]]:
    """Attributes that are missing (None) or odd in one slice or in all."""
    slices = st.one_of(st.just(set(range(SLICES))), st.sets(st.integers(0, SLICES - 1), min_size=1, max_size=1))
    return st.lists(st.tuples(slices, st.sampled_from(ATTRIBUTES), st.sampled_from(ODD_VALUES)), min_size=1, max_size=4)


def change_attributes(files: list[Path], folder: Path, changes: list[tuple[set[int], str, object]]) -> None:
    for path in files:
        shutil.copy(path, folder)
    for numbers, keyword, value in changes:
        for number in numbers:
            victim = folder / files[number].name
            before = victim.read_bytes()
            instance = pydicom.dcmread(victim)
            try:
                if value is None:
                    delattr(instance, keyword)
                else:
                    setattr(instance, keyword, value)
                instance.save_as(victim)
            except Exception:  # pydicom does not write every value; the file stays as it was
                victim.write_bytes(before)


@thorough
@given(attribute_changes())
def test_missing_and_absurd_attributes_change_no_value(
    series_files: list[Path], hounsfield: dict[str, np.ndarray], changes: list[tuple[set[int], str, object]]
) -> None:
    """HU are those of the undamaged series, unless an attribute gives them another meaning that it may have."""
    may_change = any(keyword in VALUES_ARE_BY and value not in (None, "") for _, keyword, value in changes)
    with tempfile.TemporaryDirectory() as name:
        change_attributes(series_files, Path(name), changes)
        survey(Path(name), None if may_change else hounsfield)


@pytest.mark.parametrize(
    "keyword",
    [
        *("InstanceNumber", "SeriesNumber", "AcquisitionNumber", "SliceThickness", "KVP", "GantryDetectorTilt"),
        "NumberOfFrames",
    ],
)
def test_text_in_an_optional_number_changes_no_volume(
    series_files: list[Path], hounsfield: dict[str, np.ndarray], tmp_path: Path, keyword: str
) -> None:
    (tmp_path / "series").mkdir()
    for index, path in enumerate(series_files):
        instance = pydicom.dcmread(path)
        setattr(instance, keyword, "271828")
        instance.save_as(tmp_path / "series" / path.name)
        if index % 5 == 0 or keyword == "NumberOfFrames":  # a number there would mean several slices in one file
            data = (tmp_path / "series" / path.name).read_bytes()
            (tmp_path / "series" / path.name).write_bytes(data.replace(b"271828", b"a, b c"))
    (series,) = survey(tmp_path / "series", hounsfield).volumes
    assert len(series.slices) == SLICES
    assert export_dicom(read_series(series).image, series, tmp_path / "out", model=None).files


@thorough
@given(attribute_changes())
def test_what_the_index_takes_is_exported_or_refused_in_words(
    series_files: list[Path], changes: list[tuple[set[int], str, object]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        change_attributes(series_files, folder / "source", changes)
        for number, series in enumerate(index_dicom(folder / "source").volumes):
            image = sitk.Image(series.stack.size, sitk.sitkFloat32)
            image.SetSpacing(series.stack.spacing)
            image.SetOrigin(series.stack.origin)
            image.SetDirection(series.stack.direction)
            labels = sitk.Cast(image, sitk.sitkUInt8)
            labels[4:8, 4:8, 4:8] = 1
            out = folder / str(number)
            written: list[Path] = []
            with contextlib.suppress(InputError):
                written += export_dicom(image, series, out, model=None, kidneys=labels).files
            assert sorted(path for path in out.rglob("*") if path.is_file()) == sorted(written)
            assert out.exists() == bool(written)


@thorough
@given(
    st.lists(st.tuples(st.integers(0, SLICES - 1), st.sampled_from(["", "sub", "other name"])), max_size=12),
    st.booleans(),
)
def test_copies_of_instances_change_no_volume(
    series_files: list[Path], hounsfield: dict[str, np.ndarray], copies: list[tuple[int, str]], identified: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in series_files:
            instance = pydicom.dcmread(path)
            if not identified:
                instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = ""
            instance.save_as(folder / path.name)
        for count, (number, place) in enumerate(copies):
            (folder / place).mkdir(exist_ok=True)
            shutil.copy(folder / series_files[number].name, folder / place / f"copy{count}")
        index = survey(folder)
        [series] = index.volumes
        assert len(index.skipped) == len(copies)
        assert {skipped.reason for skipped in index.skipped} <= {"a copy of another file"}
        np.testing.assert_array_equal(
            sitk.GetArrayFromImage(read_series(series).image),
            np.stack([hounsfield[path.name] for path in series_files]),
        )


@thorough
@given(st.lists(st.sampled_from(["P-1", "P-2", "p 1", ""]), min_size=SLICES, max_size=SLICES))
def test_slices_of_several_patients_are_never_one_volume(series_files: list[Path], patients: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of: dict[str, str] = {}
        for path, patient in zip(series_files, patients, strict=True):
            instance = pydicom.dcmread(path)
            instance.PatientID = patient
            instance.save_as(folder / path.name)
            of[path.name] = patient.casefold().replace("-", "").replace(" ", "")
        for series in survey(folder).series:
            assert len({of[source.name] for source in series.files}) == 1


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
        (Path(name) / "file").write_bytes(bytes(content))
        survey(Path(name))


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
