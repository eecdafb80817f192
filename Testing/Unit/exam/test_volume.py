from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from NephroSynthLib.errors import (
    GeometryError,
    ImageContentError,
    InputError,
    NotCTError,
    UnreadableInputError,
)
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.body_mask import body_mask

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]

ROLE = "excretory phase"
FORMATS = ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd")


def refusal(path: Path, error: type[InputError]) -> str:
    """The message of the error with which a volume is refused."""
    with pytest.raises(error) as caught:
        read_volume(path, ROLE)
    assert caught.value.exit_code == 3
    assert ROLE in str(caught.value)
    assert caught.value.action
    return str(caught.value)


def written(image: sitk.Image, path: Path) -> Path:
    sitk.WriteImage(image, str(path))
    return path


def changed(image: sitk.Image, change: Callable[[np.ndarray], np.ndarray]) -> sitk.Image:
    result = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(image)))
    result.CopyInformation(image)
    return result


@pytest.fixture(scope="module")
def image(phantom: Phantom) -> sitk.Image:
    return phantom()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("angles", [(0, 0, 0), (17, -12, 30), (180, 0, 0), (90, 0, 90)])
def test_a_volume_is_read_in_any_format_and_orientation(
    image: sitk.Image, tmp_path: Path, suffix: str, angles: tuple[float, ...]
) -> None:
    turned = sitk.Image(image)
    turned.SetDirection(Rotation.from_euler("xyz", angles, degrees=True).as_matrix().ravel().tolist())
    read = read_volume(written(turned, tmp_path / f"Übersicht 腎.{suffix}"), ROLE).image
    assert read.GetPixelID() == sitk.sitkFloat32
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), sitk.GetArrayViewFromImage(turned))
    corner = tuple(size - 1 for size in turned.GetSize())
    for index in ((0, 0, 0), corner):
        np.testing.assert_allclose(
            read.TransformIndexToPhysicalPoint(index), turned.TransformIndexToPhysicalPoint(index), atol=1e-3
        )


@pytest.mark.parametrize("pixel_type", [sitk.sitkInt16, sitk.sitkInt32, sitk.sitkFloat64])
def test_pixel_types_become_float32(image: sitk.Image, tmp_path: Path, pixel_type: int) -> None:
    read = read_volume(written(sitk.Cast(image, pixel_type), tmp_path / "ct.nii.gz"), ROLE).image
    assert read.GetPixelID() == sitk.sitkFloat32
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), sitk.GetArrayViewFromImage(image))


def test_values_outside_the_reconstruction_are_raised_to_air(image: sitk.Image, tmp_path: Path) -> None:
    def pad(values: np.ndarray) -> np.ndarray:
        values[:, :5] = -3024
        return values

    read = read_volume(written(changed(image, pad), tmp_path / "ct.nrrd"), ROLE).image
    assert sitk.GetArrayViewFromImage(read).min() == -1024


@pytest.mark.parametrize("padding", [0.0, 62512.0])
@pytest.mark.parametrize("suffix", ["nii.gz", "dicom"])
def test_padding_that_is_not_air_is_replaced_with_a_warning(
    image: sitk.Image, tmp_path: Path, padding: float, suffix: str, write_series: WriteSeries
) -> None:
    air = ~body_mask(sitk.GetArrayFromImage(image))
    padded = changed(image, lambda values: np.where(air, padding, values).astype(np.float32))
    path = tmp_path / "ct"
    if suffix == "dicom":
        write_series(padded, path, BitsStored=16, HighBit=15)
    else:
        path = written(padded, tmp_path / f"ct.{suffix}")
    volume = read_volume(path, ROLE)
    (warning,) = volume.warnings
    assert f"{ROLE} is padded with {padding:g} HU" in warning
    np.testing.assert_array_equal(sitk.GetArrayFromImage(volume.image)[air], -1024)


def test_a_dicom_folder_gives_the_same_volume_as_a_file(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries
) -> None:
    write_series(image, tmp_path / "series")
    (tmp_path / "series" / "readme.txt").write_text("not DICOM")
    volume = read_volume(tmp_path / "series", ROLE)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(volume.image), sitk.GetArrayViewFromImage(image))
    np.testing.assert_allclose(volume.image.GetOrigin(), image.GetOrigin(), atol=1e-5)
    assert volume.identity is not None
    assert "P-1" not in repr(volume) + repr(volume.identity)


def test_a_trailing_dimension_of_one_is_no_time_series(image: sitk.Image, tmp_path: Path) -> None:
    read = read_volume(written(sitk.JoinSeries([image]), tmp_path / "ct.nii.gz"), ROLE)
    assert read.image.GetSize() == image.GetSize()


def test_the_real_ct_is_read(real_ct: Path) -> None:
    volume = read_volume(real_ct, ROLE)
    assert volume.image.GetSize() == (512, 512, 20)
    np.testing.assert_allclose(volume.image.GetSpacing(), (0.9765625, 0.9765625, 2.0))
    assert -1024 <= sitk.GetArrayViewFromImage(volume.image).min() < -900


class TestUnreadable:
    def test_missing(self, tmp_path: Path) -> None:
        assert "does not exist" in refusal(tmp_path / "absent.nii.gz", UnreadableInputError)

    @pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd", "ct.mha", "ct.txt", "ct.dcm", "ct.zip"])
    @pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 4000, b"\x1f\x8b\x08" + b"x" * 500])
    def test_not_an_image(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        refusal(tmp_path / name, UnreadableInputError)

    @pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
    @pytest.mark.parametrize("kept", [0.3, 0.97])
    def test_truncated(self, image: sitk.Image, tmp_path: Path, suffix: str, kept: float) -> None:
        path = written(image, tmp_path / f"ct.{suffix}")
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
        refusal(path, UnreadableInputError)

    def test_voxels_in_a_file_that_is_gone(self, image: sitk.Image, tmp_path: Path) -> None:
        path = written(image, tmp_path / "ct.mhd")
        (tmp_path / "ct.raw").unlink()
        refusal(path, UnreadableInputError)

    def test_a_picture_format(self, tmp_path: Path) -> None:
        refusal(written(sitk.Image(64, 64, sitk.sitkUInt8), tmp_path / "ct.png"), UnreadableInputError)

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        assert "no DICOM file" in refusal(tmp_path, UnreadableInputError)

    def test_two_series_are_listed(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        write_series(image, tmp_path / "a", SeriesDescription="Native")
        write_series(image, tmp_path / "b", SeriesDescription="Urography", SeriesNumber=5)
        message = refusal(tmp_path, UnreadableInputError)
        assert "series 2 (20 images" in message
        assert "series 5 (20 images" in message
        assert "Native" not in message


class TestContent:
    def test_a_time_series(self, image: sitk.Image, tmp_path: Path) -> None:
        path = written(sitk.JoinSeries([image, image]), tmp_path / "ct.nii.gz")
        assert "4 dimensions" in refusal(path, ImageContentError)

    def test_a_single_picture(self, image: sitk.Image, tmp_path: Path) -> None:
        assert "single picture" in refusal(written(image[:, :, 5], tmp_path / "ct.nrrd"), ImageContentError)

    def test_colour(self, image: sitk.Image, tmp_path: Path) -> None:
        path = written(sitk.Compose([image] * 3), tmp_path / "ct.nrrd")
        assert "colour or vectors" in refusal(path, ImageContentError)

    def test_complex(self, image: sitk.Image, tmp_path: Path) -> None:
        path = written(sitk.RealAndImaginaryToComplex(image, image), tmp_path / "ct.nii")
        assert "complex" in refusal(path, ImageContentError)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, image: sitk.Image, tmp_path: Path, value: float) -> None:
        def spoil(values: np.ndarray) -> np.ndarray:
            values[3, 4, 5] = value
            return values

        assert "NaN or infinite" in refusal(written(changed(image, spoil), tmp_path / "ct.nii"), ImageContentError)

    @pytest.mark.parametrize("value", [0.0, -1024.0, 40.0])
    def test_constant(self, image: sitk.Image, tmp_path: Path, value: float) -> None:
        path = written(changed(image, lambda values: np.full_like(values, value)), tmp_path / "ct.nrrd")
        assert "empty" in refusal(path, ImageContentError)

    def test_a_header_that_announces_too_much(self, tmp_path: Path) -> None:
        header = "ObjectType = Image\nNDims = 3\nDimSize = 60000 60000 60000\nElementType = MET_SHORT\n"
        (tmp_path / "ct.mha").write_text(f"{header}ElementDataFile = LOCAL\n0000")
        refusal(tmp_path / "ct.mha", ImageContentError)


NOT_HU = {
    "stored values without the intercept": lambda hu: hu + 1024,
    "stored values with negative padding": lambda hu: np.where(hu < -990, -2000, hu + 1024),
    "the intercept applied twice": lambda hu: np.maximum(hu - 1024, -2048),
    "a picture of 0 to 255": lambda hu: np.clip((hu + 150) / 400, 0, 1) * 255,
    "MR": lambda hu: np.where(hu < -500, 5, 300 + hu * 0.8),
    "PET": lambda hu: np.where(hu < -500, 0.01, 1 + np.abs(hu) / 100),
    "scaled to 0 to 1": lambda hu: (hu + 1024) / 4095,
    "scaled to -1 to 1": lambda hu: np.clip((hu - 50) / 200, -1, 1),
    "standardized": lambda hu: (hu - hu.mean()) / hu.std(),
    "windowed": lambda hu: np.clip(hu, -150, 250),
    "windowed widely": lambda hu: np.clip(hu, -400, 800),
    "scattered values that wrapped": lambda hu: np.where(np.arange(hu.size).reshape(hu.shape) % 97, hu, 65536 + hu),
    "noise": lambda hu: np.random.default_rng(0).uniform(-3000, 3000, hu.shape),
}


@pytest.mark.parametrize("change", NOT_HU.values(), ids=NOT_HU.keys())
def test_values_that_are_not_hounsfield_units_are_refused(
    image: sitk.Image, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    path = written(changed(image, lambda values: change(values).astype(np.float32)), tmp_path / "ct.nii.gz")
    message = refusal(path, NotCTError)
    assert "not in HU" in message or "not a CT in HU" in message or "windowed" in message


@pytest.mark.parametrize("modality", ["MR", "PT", "US"])
def test_another_modality_is_refused(
    image: sitk.Image, tmp_path: Path, write_series: WriteSeries, modality: str
) -> None:
    write_series(image, tmp_path, Modality=modality)
    assert f"{modality}, not CT" in refusal(tmp_path, NotCTError)


class TestGeometry:
    def test_too_few_slices(self, phantom: Phantom, tmp_path: Path) -> None:
        path = written(phantom(size=(72, 56, 15)), tmp_path / "ct.nii.gz")
        assert "only 15 slices" in refusal(path, GeometryError)

    def test_sixteen_slices_are_enough(self, phantom: Phantom, tmp_path: Path) -> None:
        read_volume(written(phantom(size=(72, 56, 16)), tmp_path / "ct.nii.gz"), ROLE)

    def test_few_slices_in_dicom(self, phantom: Phantom, tmp_path: Path, write_series: WriteSeries) -> None:
        write_series(phantom(size=(72, 56, 7)), tmp_path)
        assert "only 7 slices" in refusal(tmp_path, GeometryError)

    @pytest.mark.parametrize("suffix", ["nrrd", "mha", "nii"])
    def test_gantry_tilt_in_a_file(self, image: sitk.Image, tmp_path: Path, suffix: str) -> None:
        tilt = np.deg2rad(12)
        sheared = np.eye(3)
        sheared[:, 2] = 0, np.sin(tilt), np.cos(tilt)
        tilted = sitk.Image(image)
        path = tmp_path / f"ct.{suffix}"
        if suffix == "nii":
            shear_sform(written(image, path), sheared * np.array(image.GetSpacing()))
        else:
            tilted.SetDirection(sheared.ravel().tolist())
            sitk.WriteImage(tilted, str(path))
        message = refusal(path, GeometryError)
        assert "sheared" in message
        assert "tilt" in message

    @pytest.mark.parametrize("spacing", [(1e-3, 1e-3, 1e-3), (5.0, 5.0, 60.0)])
    def test_spacing_that_is_not_in_mm(self, image: sitk.Image, tmp_path: Path, spacing: tuple[float, ...]) -> None:
        scaled = sitk.Image(image)
        scaled.SetSpacing(spacing)
        assert "voxel size" in refusal(written(scaled, tmp_path / "ct.nrrd"), GeometryError)

    def test_missing_slices(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        write_series(image, tmp_path, skip=(7, 8))
        assert "missing slices (2 after slice 7)" in refusal(tmp_path, GeometryError)

    def test_irregular_spacing(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def stretch(index: int, instance: object) -> None:
            position = list(instance.ImagePositionPatient)
            instance.ImagePositionPatient = [*position[:2], position[2] + 0.15 * index**2]

        write_series(image, tmp_path, edit=stretch)
        assert "irregular slice spacing" in refusal(tmp_path, GeometryError)

    def test_gantry_tilt(self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries) -> None:
        def tilt(index: int, instance: object) -> None:
            angle = np.deg2rad(15)
            instance.ImageOrientationPatient = [1, 0, 0, 0, round(np.cos(angle), 6), round(-np.sin(angle), 6)]

        write_series(image, tmp_path, edit=tilt)
        assert "tilted gantry" in refusal(tmp_path, GeometryError)

    def test_a_tilt_that_only_the_header_states_is_a_warning(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        write_series(image, tmp_path / "tilted", GantryDetectorTilt="-12.5")
        write_series(image, tmp_path / "straight", GantryDetectorTilt="0")
        (warning,) = read_volume(tmp_path / "tilted", ROLE).warnings
        assert "gantry tilt of 12.5 degrees" in warning
        assert ROLE in warning
        for path in write_series(image, tmp_path / "comma", GantryDetectorTilt="111111"):
            path.write_bytes(path.read_bytes().replace(b"111111", b"0,0000"))
        write_series(image, tmp_path / "two", GantryDetectorTilt=["0", "12.5"])
        assert read_volume(tmp_path / "two", ROLE).warnings == ()
        assert read_volume(tmp_path / "straight", ROLE).warnings == ()
        assert read_volume(tmp_path / "comma", ROLE).warnings == ()

    def test_a_reformat_is_read_with_a_warning_if_there_is_nothing_else(
        self, image: sitk.Image, tmp_path: Path, write_series: WriteSeries
    ) -> None:
        write_series(image, tmp_path, ImageType=["DERIVED", "SECONDARY", "MPR"])
        (warning,) = read_volume(tmp_path, ROLE).warnings
        assert "reformat" in warning


def shear_sform(path: Path, axes: np.ndarray) -> None:
    """Gives a NIfTI file an sform with these axes (LPS columns), beside an orthogonal qform."""
    data = bytearray(path.read_bytes())
    rows = np.zeros((3, 4), "<f4")
    rows[:, :3] = np.diag([-1, -1, 1]) @ axes
    data[252:256] = np.array([1, 1], "<i2").tobytes()
    data[280:328] = rows.tobytes()
    path.write_bytes(data)
