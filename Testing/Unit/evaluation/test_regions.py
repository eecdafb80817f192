from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.evaluation.regions import RIM_MM, region_statistics


def grid(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 2.0))
    return image


@pytest.fixture
def kidneys() -> np.ndarray:
    z, y, x = np.ogrid[:40, :80, :120]
    labels = np.zeros((40, 80, 120), np.uint8)
    labels[((z - 20) / 13) ** 2 + ((y - 40) / 26) ** 2 + ((x - 32) / 26) ** 2 <= 1] = 1
    labels[((z - 20) / 13) ** 2 + ((y - 40) / 26) ** 2 + ((x - 88) / 26) ** 2 <= 1] = 2
    return labels


def by_name(rows: list) -> dict:
    return {(row.side, row.tissue, row.phase): row for row in rows}


def test_a_bright_shell_shows_in_the_cortex_only(kidneys: np.ndarray) -> None:
    centre = np.linalg.norm(
        np.stack(np.meshgrid(2.0 * (np.arange(40) - 20), np.arange(80) - 40.0, np.arange(120) - 32.0, indexing="ij")),
        axis=0,
    )
    hu = np.where(centre > 26 - RIM_MM + 1, 200.0, 100.0).astype(np.float32)
    rows = by_name(region_statistics({"nephrographic": grid(hu)}, grid(kidneys)))
    assert rows["right", "inner", "nephrographic"].mean_hu == pytest.approx(100, abs=6)
    assert rows["right", "cortex", "nephrographic"].median_hu == pytest.approx(200)
    assert rows["right", "surroundings", "nephrographic"].mean_hu == pytest.approx(200)


def test_cortex_and_inner_part_make_up_the_kidney(kidneys: np.ndarray) -> None:
    hu = np.random.default_rng(0).normal(100, 20, kidneys.shape).astype(np.float32)
    rows = by_name(region_statistics({"p": grid(hu)}, grid(kidneys)))
    for side, label in (("right", 1), ("left", 2)):
        whole, cortex, inner = (rows[side, tissue, "p"] for tissue in ("kidney", "cortex", "inner"))
        assert cortex.volume_ml + inner.volume_ml == pytest.approx(whole.volume_ml)
        assert whole.volume_ml == pytest.approx((kidneys == label).sum() * 2.0 / 1000)
        values = hu[kidneys == label]
        assert whole.mean_hu == pytest.approx(values.mean(), abs=1e-3)
        assert whole.sd_hu == pytest.approx(values.std(), abs=1e-3)
        assert whole.median_hu == pytest.approx(np.median(values), abs=1e-3)


def test_surroundings_hold_no_voxel_of_either_kidney(kidneys: np.ndarray) -> None:
    hu = np.where(kidneys > 0, 999.0, 0.0).astype(np.float32)
    rows = by_name(region_statistics({"p": grid(hu)}, grid(kidneys)))
    assert rows["right", "surroundings", "p"].mean_hu == 0
    assert rows["left", "surroundings", "p"].mean_hu == 0


def test_one_kidney_gives_rows_of_one_side(kidneys: np.ndarray) -> None:
    kidneys[kidneys == 1] = 0
    rows = region_statistics({"p": grid(kidneys.astype(np.float32))}, grid(kidneys))
    assert {row.side for row in rows} == {"left"}


def test_a_phase_elsewhere_has_no_rows_and_another_grid_gives_the_same(kidneys: np.ndarray) -> None:
    hu = grid(np.full(kidneys.shape, 70.0, np.float32))
    away = sitk.Image(hu)
    away.SetOrigin((500.0, 0.0, 0.0))
    coarse = sitk.Resample(hu, [60, 40, 40], sitk.Transform(), sitk.sitkLinear, (0.5, 0.5, 0.0), (2.0, 2.0, 2.0))
    rows = region_statistics({"away": away, "coarse": coarse}, grid(kidneys))
    assert {row.phase for row in rows} == {"coarse"}
    assert all(row.mean_hu == pytest.approx(70, abs=1e-3) for row in rows)
