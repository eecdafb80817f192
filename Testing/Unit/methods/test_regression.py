from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import example, translate, walk

from NephroSynthLib.methods.regression import Regression2D, Regression3D


@pytest.mark.parametrize("kind", [Regression2D, Regression3D])
def test_it_learns_and_comes_back_from_its_bundle(kind: type[Regression2D], tmp_path: Path) -> None:
    method = walk(kind, tmp_path, steps=15, share=0.8)
    truth = example().nephrographic
    errors = [np.abs(hu - truth).mean() for hu in (translate(method), np.full_like(truth, 50.0))]
    assert errors[0] < 0.8 * errors[1]  # an untrained network gives the middle of the window


def test_neither_noise_nor_steps_change_its_image(tmp_path: Path) -> None:
    method = walk(Regression2D, tmp_path, steps=2, share=1.5)
    np.testing.assert_array_equal(translate(method, steps=1, seed=0), translate(method, steps=5, seed=1))
