from __future__ import annotations

import shutil
import warnings
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from scipy.spatial.transform import Rotation

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.series_reading import DicomVolume, read_series
from NephroSynthLib.errors import Cancelled, GeometryError, UnreadableInputError
from NephroSynthLib.progress import Progress

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def image(phantom: Phantom) -> sitk.Image:
    return phantom(size=(24, 20, 18), spacing=(15.0, 14.0, 6.0))


def read(path: Path) -> DicomVolume:
    (series,) = index_dicom(path).volumes
    return read_series(series)


def check_same(volume: DicomVolume, image: sitk.Image) -> None:
    assert volume.image.GetPixelID() == sitk.sitkFloat32
    np.testing.assert_array_equal(sitk.GetArrayFromImage(volume.image), sitk.GetArrayFromImage(image))
    for index in ((0, 0, 0), (5, 0, 0), (0, 7, 0), tuple(size - 1 for size in image.GetSize())):
        expected = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(volume.image.TransformIndexToPhysicalPoint(index), expected, atol=1e-4)


@pytest.mark.parametrize("angles", [(0, 0, 0), (10, -20, 33), (0, 0, 180), (180, 0, 0), (0, 30, 0)])
def test_any_orientation_keeps_each_voxel_in_its_place(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries, angles: tuple[float, ...]
) -> None:
    turned = sitk.Image(image)
    turned.SetDirection(Rotation.from_euler("xyz", angles, degrees=True).as_matrix().ravel().tolist())
    write_series(turned, tmp_path)
    check_same(read(tmp_path), turned)


def test_slices_against_the_normal_are_turned_round(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    write_series(sitk.Flip(image, (False, False, True)), tmp_path)
    volume = read(tmp_path)
    assert np.linalg.det(np.reshape(volume.image.GetDirection(), (3, 3))) == pytest.approx(1)
    check_same(volume, image)


def test_gdcm_reads_the_same(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))
    check_same(read(tmp_path), sitk.Cast(sitk.ReadImage(names), sitk.sitkFloat32))


def test_gdcm_reads_the_real_ct_the_same(real_ct: Path) -> None:
    (series,) = index_dicom(real_ct).volumes
    expected = sitk.ReadImage([str(source) for source in series.files], sitk.sitkFloat32)
    check_same(read_series(series), expected)


def transfer(instance: Dataset, syntax: str) -> None:
    """Stores an instance in a transfer syntax, with the encoders of pydicom, CharLS and GDCM."""
    if syntax == ExplicitVRBigEndian:
        instance.PixelData = np.frombuffer(instance.PixelData, "<u2").astype(">u2").tobytes()
    if syntax in ("JPEG", "JPEG2000"):
        folder = Path(str(instance.filename)).parent / "gdcm"
        folder.mkdir()
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor(syntax)
        writer.SetFileName(str(folder / "image.dcm"))
        writer.Execute(sitk.GetImageFromArray(instance.pixel_array[np.newaxis]))
        encoded = pydicom.dcmread(folder / "image.dcm")
        shutil.rmtree(folder)
        instance.PixelData = encoded.PixelData
        instance["PixelData"].VR, instance["PixelData"].is_undefined_length = "OB", True
        instance.BitsStored, instance.HighBit = 16, 15
        instance.file_meta.TransferSyntaxUID = encoded.file_meta.TransferSyntaxUID
    elif syntax in (RLELossless, JPEGLSLossless):
        instance.compress(syntax, generate_instance_uid=False)
    else:
        instance.file_meta.TransferSyntaxUID = syntax


@pytest.mark.parametrize(
    "syntax",
    [
        *(ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless),
        *("JPEG", "JPEG2000", JPEGLSLossless),
    ],
)
def test_every_transfer_syntax_gives_the_same_voxels(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries, syntax: str
) -> None:
    if syntax == JPEGLSLossless:
        pytest.importorskip("jpeg_ls", reason="needs an encoder of JPEG-LS")
    for path in write_series(image, tmp_path):
        instance = pydicom.dcmread(path)
        transfer(instance, syntax)
        implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
        pydicom.dcmwrite(path, instance, implicit_vr=implicit, little_endian=little, force_encoding=True)
    check_same(read(tmp_path), image)


def test_files_without_preamble_are_read(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    for path in write_series(image, tmp_path):
        instance = pydicom.dcmread(path)
        bare = Dataset(instance)
        bare.save_as(path, implicit_vr=True, little_endian=True)
    check_same(read(tmp_path), image)


class TestRescale:
    def test_each_slice_has_its_own(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def rescale(index: int, instance: Dataset) -> None:
            stored = np.frombuffer(instance.PixelData, np.uint16)
            instance.RescaleIntercept = -1024 - 10 * index
            instance.PixelData = (stored + 10 * index).astype(np.uint16).tobytes()

        write_series(image, tmp_path, edit=rescale)
        check_same(read(tmp_path), image)

    def test_fractional_slopes_are_exact(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def halve(index: int, instance: Dataset) -> None:
            stored = np.frombuffer(instance.PixelData, np.uint16)
            instance.RescaleSlope, instance.BitsStored, instance.HighBit = 0.5, 16, 15
            instance.PixelData = (2 * stored).astype(np.uint16).tobytes()

        write_series(image, tmp_path, edit=halve)
        check_same(read(tmp_path), image)

    @pytest.mark.parametrize("slope", ["0", "nan", "inf", "1e30"])
    def test_an_impossible_one_is_refused(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries, slope: str
    ) -> None:
        def spoil(index: int, instance: Dataset) -> None:
            instance.RescaleSlope = slope

        with (
            pytest.warns(UserWarning, match="RescaleSlope|Invalid value") if slope in ("nan", "inf") else nullcontext()
        ):
            write_series(image, tmp_path, edit=spoil)
        with pytest.raises(UnreadableInputError, match="damaged"):
            read(tmp_path)

    @pytest.mark.parametrize("implicit", [False, True])
    @pytest.mark.parametrize("header_value", [-2000, 63536])
    def test_signed_padding_becomes_air(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries, implicit: bool, header_value: int
    ) -> None:
        def pad(index: int, instance: Dataset) -> None:
            stored = np.frombuffer(instance.PixelData, np.uint16).astype(np.int16)
            stored[:40] = -2000
            instance.PixelRepresentation, instance.BitsStored, instance.HighBit = 1, 16, 15
            instance.PixelData = stored.tobytes()
            instance.add_new("PixelPaddingValue", "SS" if header_value < 0 else "US", header_value)
            if implicit:
                instance.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

        write_series(image, tmp_path, edit=pad)
        values = sitk.GetArrayFromImage(read(tmp_path).image)
        expected = sitk.GetArrayFromImage(image)
        assert (values[:, :1, :] == -1024).all()
        np.testing.assert_array_equal(values[:, 2:], expected[:, 2:])

    def test_a_range_of_padding_becomes_air(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def pad(index: int, instance: Dataset) -> None:
            stored = np.frombuffer(instance.PixelData, np.uint16).copy()
            stored[:24] = 4000 + np.arange(24)
            instance.PixelData = stored.tobytes()
            instance.add_new("PixelPaddingValue", "US", 4095)
            instance.add_new("PixelPaddingRangeLimit", "US", 4000)

        write_series(image, tmp_path, edit=pad)
        values = sitk.GetArrayFromImage(read(tmp_path).image)
        assert (values[:, 0] == -1024).all()
        np.testing.assert_array_equal(values[:, 1:], sitk.GetArrayFromImage(image)[:, 1:])


def write_enhanced(image: sitk.Image, path: Path, *, compress: bool = False) -> None:
    """An enhanced CT image: one file, frames in a mixed order, rescale and position for each frame."""
    values = sitk.GetArrayFromImage(image)
    direction = np.reshape(image.GetDirection(), (3, 3))
    order = np.random.default_rng(3).permutation(len(values))
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.SOPClassUID, instance.SOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    instance.Modality, instance.ImageType = "CT", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    instance.StudyInstanceUID, instance.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    instance.PatientID, instance.SeriesNumber = "P-1", 4
    instance.NumberOfFrames = len(values)
    instance.Rows, instance.Columns = values.shape[1:]
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 1, "MONOCHROME2"
    instance.BitsAllocated, instance.BitsStored, instance.HighBit, instance.PixelRepresentation = 16, 16, 15, 0

    def macro(**attributes: object) -> Sequence:
        item = Dataset()
        for keyword, value in attributes.items():
            setattr(item, keyword, value)
        return Sequence([item])

    shared = Dataset()
    shared.PixelMeasuresSequence = macro(PixelSpacing=[image.GetSpacing()[1], image.GetSpacing()[0]])
    cosines = [round(float(cosine), 8) for cosine in (*direction[:, 0], *direction[:, 1])]
    shared.PlaneOrientationSequence = macro(ImageOrientationPatient=cosines)
    instance.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for index in order.tolist():
        group = Dataset()
        position = [round(coordinate, 8) for coordinate in image.TransformIndexToPhysicalPoint((0, 0, index))]
        group.PlanePositionSequence = macro(ImagePositionPatient=position)
        group.PixelValueTransformationSequence = macro(RescaleSlope=1, RescaleIntercept=-2000 + index, RescaleType="HU")
        group.FrameContentSequence = macro(FrameAcquisitionNumber=1, StackID="1")
        groups.append(group)
    instance.PerFrameFunctionalGroupsSequence = Sequence(groups)
    stored = np.stack([values[index] + 2000 - index for index in order])
    instance.PixelData = stored.astype(np.uint16).tobytes()
    if compress:
        instance.compress(RLELossless, generate_instance_uid=False)
    instance.save_as(path, enforce_file_format=True)


class TestEnhanced:
    @pytest.mark.parametrize("compress", [False, True])
    @pytest.mark.parametrize("angles", [(0, 0, 0), (10, -20, 33)])
    def test_frames_become_one_volume(
        self, image: sitk.Image, tmp_path: Path, compress: bool, angles: tuple[float, ...]
    ) -> None:
        turned = sitk.Image(image)
        turned.SetDirection(Rotation.from_euler("xyz", angles, degrees=True).as_matrix().ravel().tolist())
        write_enhanced(turned, tmp_path / "enhanced.dcm", compress=compress)
        check_same(read(tmp_path), turned)
        check_same(read(tmp_path / "enhanced.dcm"), turned)

    @pytest.mark.parametrize(
        ("keyword", "value", "reason"),
        [
            ("RescaleType", "MGML", "values in MGML, not in HU"),
            ("RescaleSlope", None, "without the rescale of its values to HU"),
        ],
    )
    def test_frames_that_are_not_in_hu_are_set_aside(
        self, image: sitk.Image, tmp_path: Path, keyword: str, value: str | None, reason: str
    ) -> None:
        write_enhanced(image, tmp_path / "enhanced.dcm")
        instance = pydicom.dcmread(tmp_path / "enhanced.dcm")
        for group in instance.PerFrameFunctionalGroupsSequence:
            setattr(group.PixelValueTransformationSequence[0], keyword, value)
        instance.save_as(tmp_path / "enhanced.dcm")
        assert [series.why_not_volume for series in index_dicom(tmp_path).series] == [reason]

    def test_fewer_frames_than_announced(self, image: sitk.Image, tmp_path: Path) -> None:
        write_enhanced(image, tmp_path / "enhanced.dcm")
        data = (tmp_path / "enhanced.dcm").read_bytes()
        (tmp_path / "enhanced.dcm").write_bytes(data[:-2000])
        with pytest.raises(UnreadableInputError, match="the multi-frame file is truncated"):
            read(tmp_path)


@pytest.mark.parametrize("cut", [10, 500])
def test_a_truncated_slice_is_named(image: sitk.Image, tmp_path: Path, write_series: WriteSeries, cut: int) -> None:
    write_series(image, tmp_path)
    (series,) = index_dicom(tmp_path).volumes
    victim = series.slices[6].source
    victim.write_bytes(victim.read_bytes()[:-cut])
    with pytest.raises(UnreadableInputError, match="slice 7 is truncated or damaged") as caught:
        read_series(series)
    assert caught.value.exit_code == 3


def test_what_is_no_volume_is_refused(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path, skip=(4,))
    (series,) = index_dicom(tmp_path).series
    with pytest.raises(GeometryError, match="missing slices"):
        read_series(series)


def test_a_zip_gives_the_same_voxels(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path / "study")
    packed = Path(shutil.make_archive(str(tmp_path / "study"), "zip", tmp_path / "study"))
    check_same(read(packed), image)


def test_members_of_one_name_in_a_zip_are_all_read(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in write_series(image, tmp_path / "study"):
            archive.write(path, "IM")
    check_same(read(tmp_path / "study.zip"), image)


def test_a_cancellation_ends_it(image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(image, tmp_path)
    (series,) = index_dicom(tmp_path).volumes
    with pytest.raises(Cancelled):
        read_series(series, Progress(cancelled=lambda: True))


def test_no_temporary_file_stays(real_ct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(real_ct)
    assert list(tmp_path.iterdir()) == []
