from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import PSNRMetric
from scipy.stats import pearsonr

from NephroSynthLib.errors import GeometryError, ImageContentError
from NephroSynthLib.evaluation.metrics import FULL, WINDOW, Comparison
from NephroSynthLib.imaging.psnr import LARGEST_DB
from NephroSynthLib.imaging.ssim import RADIUS


def volumes(shape: tuple[int, int, int] = (24, 30, 28), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.cumsum(rng.normal(0, 12, shape), axis=1).astype(np.float32)
    return (truth + rng.normal(5, 15, shape)).astype(np.float32), truth


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array)[None, None] for array in arrays]


def test_psnr_is_monai_s() -> None:
    predicted, truth = volumes()
    expected = PSNRMetric(max_val=400.0)(*tensors(WINDOW.lifted(predicted), WINDOW.lifted(truth)))
    found = Comparison(predicted, truth, WINDOW).within(np.ones(truth.shape, bool))
    assert found.psnr_db == pytest.approx(float(expected), abs=1e-4)


def test_ncc_is_pearson_s_correlation_inside_the_mask() -> None:
    predicted, truth = volumes()
    mask = np.random.default_rng(3).random(truth.shape) < 0.3
    found = Comparison(predicted, truth, WINDOW).within(mask)
    expected = pearsonr(WINDOW.lifted(predicted)[mask], WINDOW.lifted(truth)[mask]).statistic
    assert found.ncc == pytest.approx(expected, abs=1e-5)
    assert found.voxels == mask.sum()


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-60, 60).filter(lambda value: abs(value) > 0.1))
def test_a_constant_error_gives_its_closed_form(shift: float) -> None:
    truth = np.clip(volumes((12, 14, 13))[1], -80, 180)
    found = Comparison(truth + np.float32(shift), truth, WINDOW).within(np.ones(truth.shape, bool))
    assert found.mae_hu == pytest.approx(abs(shift), rel=1e-3)
    assert found.rmse_hu == pytest.approx(abs(shift), rel=1e-3)
    assert found.bias_hu == pytest.approx(shift, rel=1e-3)
    assert found.psnr_db == pytest.approx(20 * np.log10(400 / abs(shift)), abs=1e-2)
    assert found.ncc == pytest.approx(1.0, abs=1e-5)


def test_values_outside_the_window_count_only_in_the_full_range() -> None:
    truth = np.full((12, 12, 12), 300.0, np.float32)
    predicted = truth + 200
    everywhere = np.ones(truth.shape, bool)
    assert Comparison(predicted, truth, WINDOW).within(everywhere).mae_hu == 0
    assert Comparison(predicted, truth, FULL).within(everywhere).mae_hu == pytest.approx(200)


def test_equal_constant_volumes_give_finite_figures() -> None:
    flat = np.full((4, 5, 6), 20.0, np.float32)
    found = Comparison(flat, flat, WINDOW).within(np.ones(flat.shape, bool), multiscale=True)
    assert (found.psnr_db, found.ssim, found.ncc, found.ms_ssim) == (LARGEST_DB, pytest.approx(1.0), 1.0, None)
    other = Comparison(flat, flat + 30, WINDOW).within(np.ones(flat.shape, bool))
    assert other.ncc == 0.0
    assert all(np.isfinite(value) for value in other.to_dict().values() if value is not None)


def test_an_error_outside_the_mask_changes_nothing() -> None:
    predicted, truth = volumes()
    mask = np.zeros(truth.shape, bool)
    mask[:8] = True
    spoiled = predicted.copy()
    spoiled[8 + RADIUS :] = 250
    assert Comparison(spoiled, truth, WINDOW).within(mask) == Comparison(predicted, truth, WINDOW).within(mask)


def test_more_noise_is_worse_in_every_figure() -> None:
    truth = np.clip(volumes((16, 50, 50))[1], -100, 200)
    noise = np.random.default_rng(1).normal(0, 1, truth.shape).astype(np.float32)
    everywhere = np.ones(truth.shape, bool)
    small, large = (Comparison(truth + s * noise, truth, WINDOW).within(everywhere, multiscale=True) for s in (5, 25))
    assert small.psnr_db > large.psnr_db
    assert small.ssim > large.ssim
    assert small.ms_ssim > large.ms_ssim
    assert small.ncc > large.ncc
    assert small.mae_hu < large.mae_hu
    assert small.rmse_hu < large.rmse_hu


def test_shapes_that_differ_are_refused() -> None:
    predicted, truth = volumes()
    with pytest.raises(GeometryError, match="one shape"):
        Comparison(predicted[1:], truth, WINDOW).within(np.ones(truth.shape, bool))


def test_a_mask_of_another_shape_is_refused() -> None:
    predicted, truth = volumes()
    with pytest.raises(GeometryError, match="does not fit"):
        Comparison(predicted, truth, WINDOW).within(np.ones((2, 2, 2), bool))


def test_an_empty_mask_is_refused() -> None:
    predicted, truth = volumes()
    with pytest.raises(GeometryError, match="empty"):
        Comparison(predicted, truth, WINDOW).within(np.zeros(truth.shape, bool))


def test_values_that_are_not_finite_are_refused() -> None:
    predicted, truth = volumes()
    predicted[3, 4, 5] = np.nan
    with pytest.raises(ImageContentError, match="not finite"):
        Comparison(predicted, truth, WINDOW).within(np.ones(truth.shape, bool))
