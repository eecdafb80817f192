"""The measurement on a drawn abdomen, whose tissues and gains are known at every voxel size."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.synthesis.tissue_enhancement import tissue_enhancement

EXTENT_MM = (300.0, 200.0, 160.0)
BEFORE = {"fat": -100.0, "muscle": 55.0, "bone": 300.0, "blood": 40.0, "liver": 56.0, "spleen": 46.0, "kidney": 32.0}
GAIN = {"muscle": 8.0, "blood": 45.0, "liver": 27.0, "spleen": 33.0, "kidney": 65.0}
FINE, THICK = (1.0, 1.0, 2.0), (1.5, 1.5, 5.0)


def ball(x: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    return np.asarray(x <= radius**2)


def drawn(spacing: tuple[float, float, float], without: tuple[str, ...] = ()) -> list[sitk.Image]:
    """Returns both phases and the kidney labels, LPS, x from -150 to 150 mm, with noise."""
    size = [round(length / step) for length, step in zip(EXTENT_MM, spacing, strict=True)]
    x, y, z = ((np.arange(n) - (n - 1) / 2) * step for n, step in zip(size, spacing, strict=True))
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    far = 0 * x + 0 * y + 0 * z
    parts = {
        "muscle": (np.abs(np.abs(x) - 40) < 22) & (np.abs(y - 75) < 18) | (far > 0),
        "bone": ball(far + x**2 + (y - 50) ** 2, 20),
        "blood": ball(far + (x - 14) ** 2 + (y - 15) ** 2, 10) | ball(far + (x + 14) ** 2 + (y - 15) ** 2, 11),
        "liver": ball(((x + 80) / 55) ** 2 + ((y + 30) / 60) ** 2 + ((z - 40) / 60) ** 2, 1),
        "spleen": ball(((x - 115) / 20) ** 2 + ((y - 30) / 40) ** 2 + ((z - 45) / 30) ** 2, 1),
        "kidney": ball(((np.abs(x) - 70) / 24) ** 2 + ((y - 45) / 28) ** 2 + (z / 50) ** 2, 1),
    }
    before = np.where(ball((x / 148) ** 2 + (y / 98) ** 2 + far, 1), BEFORE["fat"], -1000.0)
    gain = np.zeros_like(before)
    for name, inside in parts.items():
        if name not in without:
            before[inside], gain[inside] = BEFORE[name], GAIN.get(name, 0.0)
    kidney = parts["kidney"]
    gain[kidney & ball((np.abs(x) - 74) ** 2 + (y - 45) ** 2 + (z + 25) ** 2, 12)] = 0  # a cyst on each side
    gain[kidney & ball((np.abs(x) - 62) ** 2 + (y - 45) ** 2 + z**2, 9)] = 800  # a collecting system on each side
    rng = np.random.default_rng(0)
    noise_hu = 12 / np.sqrt(np.prod(spacing))
    phases = [hu + noise_hu * rng.standard_normal(hu.shape) for hu in (before, before + gain)]
    images = [sitk.GetImageFromArray(hu.astype(np.float32)) for hu in phases]
    images.append(sitk.GetImageFromArray((kidney & ("kidney" not in without)).astype(np.uint8)))
    for image in images:
        image.SetSpacing(spacing)
        image.SetOrigin([-(n - 1) / 2 * step for n, step in zip(size, spacing, strict=True)])
    return images


@pytest.fixture(scope="module")
def abdomen() -> list[sitk.Image]:
    return drawn(FINE)


def test_the_tissues_have_their_gains(abdomen: list[sitk.Image]) -> None:
    found = tissue_enhancement(*abdomen)
    for name, gain in GAIN.items():
        assert getattr(found, name) == pytest.approx(gain, abs=3), name


def test_cysts_and_collecting_system_are_no_parenchyma(abdomen: list[sitk.Image]) -> None:
    found = tissue_enhancement(*abdomen)
    whole = 2 * 4 / 3 * np.pi * 2.4 * 2.8 * 5.0
    left_out = 2 * 4 / 3 * np.pi * (1.2**3 + 0.9**3)
    assert found.parenchyma_ml == pytest.approx(whole - left_out, rel=0.04)


def test_the_voxel_size_changes_the_values_by_little(abdomen: list[sitk.Image]) -> None:
    fine, thick = tissue_enhancement(*abdomen), tissue_enhancement(*drawn(THICK))
    for name in GAIN:
        assert getattr(thick, name) == pytest.approx(getattr(fine, name), abs=2.5), name
    assert fine.parenchyma_ml is not None
    assert thick.parenchyma_ml == pytest.approx(fine.parenchyma_ml, rel=0.08)


def test_the_order_of_the_axes_does_not_matter(abdomen: list[sitk.Image]) -> None:
    turned = tissue_enhancement(*(sitk.DICOMOrient(image, "SAR") for image in abdomen))
    straight = tissue_enhancement(*abdomen)
    for name in GAIN:
        assert getattr(turned, name) == pytest.approx(getattr(straight, name), abs=1), name


@pytest.mark.parametrize("name", ["spleen", "muscle"])
def test_a_tissue_that_is_not_there_is_not_measured(name: str) -> None:
    assert getattr(tissue_enhancement(*drawn(THICK, without=(name,))), name) is None


def test_scattered_gain_before_the_spine_is_no_vessel() -> None:
    images = drawn(FINE, without=("blood", "liver"))
    before, after = (sitk.GetArrayFromImage(image) for image in images[:2])
    cells = np.random.default_rng(0).random((27, 10, 12)) < 0.25  # of 6 mm
    gain = GAIN["blood"] * np.kron(cells, np.ones((3, 6, 6)))[: len(before)]
    bowel = (slice(None), slice(80, 140), slice(114, 186))
    before[bowel] = 35.0
    after[bowel] = 35.0 + gain
    changed = [sitk.GetImageFromArray(hu) for hu in (before, after)]
    for image in changed:
        image.CopyInformation(images[2])
    assert tissue_enhancement(*changed, images[2]).blood is None


def test_without_kidneys_and_excretory_phase_nothing_is_measured() -> None:
    before, _, labels = drawn(THICK)
    nothing = tissue_enhancement(before, 0 * before - 1024, 0 * labels)
    assert set(vars(nothing).values()) == {None}
