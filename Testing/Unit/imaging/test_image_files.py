"""Images are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import ResourceError
from NephroSynthLib.imaging.image_files import save_image


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
