from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import MultiScaleSSIMMetric, SSIMMetric

from NephroSynthLib.imaging.ssim import RADIUS, ms_ssim, ssim_map


def volumes(shape: tuple[int, int, int] = (24, 30, 28)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.cumsum(rng.normal(0, 12, shape), axis=1)
    return tuple(np.clip(v + 150, 0, 400).astype(np.float32) for v in (truth + rng.normal(5, 15, shape), truth))


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array)[None, None] for array in arrays]


def test_ssim_is_monai_s_away_from_the_border() -> None:
    first, second = volumes()
    expected = SSIMMetric(spatial_dims=3, data_range=400.0, win_size=11, kernel_sigma=1.5)(*tensors(first, second))
    inner = ssim_map(first, second, 400.0)[RADIUS:-RADIUS, RADIUS:-RADIUS, RADIUS:-RADIUS]
    assert inner.mean() == pytest.approx(float(expected), abs=1e-5)


def test_ssim_does_not_depend_on_the_slabs_it_is_computed_in() -> None:
    first, second = volumes((50, 12, 12))
    whole = ssim_map(first, second, 400.0)
    moved = ssim_map(first[7:], second[7:], 400.0)
    np.testing.assert_allclose(whole[7 + RADIUS :], moved[RADIUS:], atol=1e-5)


def test_ms_ssim_is_monai_s_where_all_five_scales_fit() -> None:
    first, second = volumes((2, 180, 176))
    slices = [torch.from_numpy(volume)[:, None] for volume in (first, second)]
    expected = MultiScaleSSIMMetric(spatial_dims=2, data_range=400.0)(*slices).mean()
    assert ms_ssim(first, second, 400.0) == pytest.approx(float(expected), abs=1e-3)


def test_ms_ssim_of_equal_small_slices_is_one_and_of_tiny_ones_is_none() -> None:
    first = volumes((3, 50, 60))[0]
    assert ms_ssim(first, first, 400.0) == pytest.approx(1.0, abs=1e-5)
    assert ms_ssim(first[:, :8, :8], first[:, :8, :8], 400.0) is None


def test_ssim_of_a_volume_with_itself_is_one() -> None:
    volume = np.random.default_rng(1).random((16, 16, 16), dtype=np.float32)
    assert np.allclose(ssim_map(volume, volume, 1.0), 1.0, atol=1e-5)
