"""Images are read whole and in their place or refused; they are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import GeometryError, ResourceError, UnreadableInputError
from NephroSynthLib.imaging.image_files import read_image_file, save_image


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha"])
def test_a_saved_image_is_read_back_unchanged(tmp_path: Path, suffix: str) -> None:
    image = sitk.GaussianSource(sitk.sitkFloat32, [20, 18, 16])
    save_image(image, tmp_path / f"Bild ä.{suffix}")
    read = sitk.ReadImage(str(tmp_path / f"Bild ä.{suffix}"))
    assert sitk.Hash(read) == sitk.Hash(image)
    assert names(tmp_path) == [f"Bild ä.{suffix}"]


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha"])
def test_a_write_cut_short_by_the_disk_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("resource", reason="needs POSIX limits to stand in for a full disk")
    script = (
        "import resource, signal, sys; from pathlib import Path; import SimpleITK as sitk\n"
        "from NephroSynthLib.imaging.image_files import save_image\n"
        "from NephroSynthLib.errors import ResourceError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "noise = sitk.AdditiveGaussianNoise(sitk.Image(40, 40, 40, sitk.sitkFloat32), 100.0)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (90000, 90000))\n"
        "try: save_image(noise, Path(sys.argv[1]))\n"
        "except ResourceError as error: sys.exit(error.exit_code)\n"
    )
    target = tmp_path / f"ct.{suffix}"
    ended = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, check=False)
    assert ended.returncode == ResourceError.exit_code, ended.stderr
    assert names(tmp_path) == []


def test_too_little_space_is_told_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = os.statvfs(tmp_path)
    full = type("usage", (), {"total": usage.f_blocks, "used": usage.f_blocks, "free": 100})
    monkeypatch.setattr("NephroSynthLib.imaging.image_files.shutil.disk_usage", lambda path: full)
    with pytest.raises(ResourceError, match="disk is full"):
        save_image(sitk.Image(20, 20, 20, sitk.sitkFloat32), tmp_path / "ct.nrrd")
    assert names(tmp_path) == []


def noise() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(-1000, 1000, (20, 18, 16)).astype(np.int16))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-30, 20, 100))
    return image


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_flipped_bit_in_a_compressed_file_is_never_read(tmp_path: Path, suffix: str, place: float) -> None:
    path = tmp_path / f"ct.{suffix}"
    sitk.WriteImage(noise(), str(path), useCompression=True)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableInputError, match="damaged"):
        read_image_file(path, "excretory phase")


def test_a_nifti_file_whose_name_is_no_utf_8_is_read_and_another_format_refused(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has file names that are not valid UTF-8")
    for suffix in ("nii.gz", "mha"):
        sitk.WriteImage(noise(), str(tmp_path / f"ct.{suffix}"))
        os.rename(tmp_path / f"ct.{suffix}", os.fsencode(tmp_path) + b"/nachph\xe4se." + suffix.encode())
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/nachph\xe4se.")
    assert sitk.Hash(read_image_file(Path(f"{folder}nii.gz"), "excretory phase")) == sitk.Hash(noise())
    with pytest.raises(UnreadableInputError, match="not valid UTF-8"):
        read_image_file(Path(f"{folder}mha"), "excretory phase")


@pytest.mark.parametrize("suffix", ["nii", "nrrd", "mha"])
@pytest.mark.parametrize("degrees", [0.02, 0.2])
def test_axes_that_rounding_has_sheared_become_orthogonal(tmp_path: Path, suffix: str, degrees: float) -> None:
    image = noise()
    axes = np.eye(3) + np.tan(np.radians(degrees)) * np.eye(3, k=1)
    path = tmp_path / f"ct.{suffix}"
    if suffix == "nii":  # as other programs write it: only an sform
        sitk.WriteImage(image, str(path))
        data = bytearray(path.read_bytes())
        data[252:256] = np.array([0, 1], "<i2").tobytes()
        rows = np.diag([-1, -1, 1]) @ np.column_stack([axes * image.GetSpacing(), image.GetOrigin()])
        data[280:328] = rows.astype("<f4").tobytes()
        path.write_bytes(bytes(data))
    else:
        image.SetDirection(axes.ravel().tolist())
        sitk.WriteImage(image, str(path))
    read = read_image_file(path, "CT")
    direction = np.reshape(read.GetDirection(), (3, 3))
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=2e-4)
    np.testing.assert_allclose(direction, axes, atol=np.radians(degrees))
    save_image(read, tmp_path / "again.nii.gz")
    assert sitk.ReadImage(str(tmp_path / "again.nii.gz")).GetSize() == image.GetSize()


def test_nifti_2_is_read(tmp_path: Path) -> None:
    header = bytearray(544)
    for place, kind, numbers in (
        (0, "i4", [540]),
        (12, "i2", [4, 16]),
        (16, "i8", [3, 16, 18, 20]),
        (104, "f8", [1, 0.7, 0.8, 2.5]),
        (168, "i8", [544]),
        (348, "i4", [1]),
        (400, "f8", [-0.7, 0, 0, 30, 0, -0.8, 0, -20, 0, 0, 2.5, 100]),
    ):
        data = np.array(numbers, f"<{kind}").tobytes()
        header[place : place + len(data)] = data
    header[4:12] = b"n+2\0\r\n\x1a\n"
    path = tmp_path / "ct.nii"
    path.write_bytes(bytes(header) + sitk.GetArrayFromImage(noise()).tobytes())
    read = read_image_file(path, "CT")
    assert sitk.Hash(read) == sitk.Hash(noise())
    for get in ("GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(read, get)(), getattr(noise(), get)(), atol=1e-9)


@pytest.mark.parametrize("suffix", ["nrrd", "mha"])
def test_a_file_that_is_no_image_is_damaged_and_not_short_of_a_voxel_size(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"spacing.{suffix}").write_text("Dear user, here is your image: it has no spacing.\n")
    with pytest.raises(UnreadableInputError, match="damaged"):
        read_image_file(tmp_path / f"spacing.{suffix}", "CT")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("ct.nrrd", "NRRD0005\ntype: short\ndimension: 3\nsizes: 16 18 20\nencoding: raw\nendian: little\n\n"),
        ("ct.mha", "NDims = 3\nDimSize = 16 18 20\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"),
    ],
)
def test_no_spacing_is_invented(tmp_path: Path, name: str, header: str) -> None:
    (tmp_path / name).write_bytes(header.encode() + sitk.GetArrayFromImage(noise()).tobytes())
    with pytest.raises(GeometryError, match="no voxel size"):
        read_image_file(tmp_path / name, "CT")
