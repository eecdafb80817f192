from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import PSNRMetric

from NephroSynthLib.imaging.psnr import psnr_db


def test_psnr_agrees_with_monai() -> None:
    first, second = np.random.default_rng(0).uniform(0, 400, (2, 5, 6, 7)).astype(np.float32)
    expected = PSNRMetric(max_val=400.0)(torch.from_numpy(first)[None, None], torch.from_numpy(second)[None, None])

    assert psnr_db(float(np.mean((first - second) ** 2)), 400.0) == pytest.approx(float(expected), abs=1e-4)


def test_ten_times_the_range_adds_twenty_decibels() -> None:
    assert psnr_db(7.0, 4000.0) - psnr_db(7.0, 400.0) == pytest.approx(20.0)


def test_equal_images_have_a_finite_psnr() -> None:
    assert psnr_db(0.0, 400.0) == 100.0
