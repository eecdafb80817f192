from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import example, walk

from NephroSynthLib.methods.ic_net import IcNet


def test_it_learns_and_comes_back_from_its_bundle(tmp_path: Path) -> None:
    walk(IcNet, tmp_path, steps=12, share=0.95, shape=(4, 16, 16))


def test_a_slice_is_calibrated_by_the_calibrated_one_above_it() -> None:
    """With a network that gives the slice above, all slices become the top one, except outside of the window."""
    method = IcNet.untrained()

    class Above(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.some = torch.nn.Parameter(torch.zeros(1))

        def forward(self, pair: torch.Tensor) -> torch.Tensor:
            return pair[:, 1:]

    method.network = Above()  # type: ignore[assignment]
    hu = example(shape=(4, 8, 8)).nephrographic
    hu[1, 2, 3] = 900.0
    calibrated = method.calibrate(hu)
    expected = np.broadcast_to(hu[-1], hu.shape).copy()
    expected[1, 2, 3] = 900.0
    np.testing.assert_allclose(calibrated, expected, atol=1e-3)
