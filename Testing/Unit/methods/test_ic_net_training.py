from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.methods.ic_net_training import changed


def test_a_factor_changes_the_spread_and_keeps_the_mean() -> None:
    image = torch.randn(3, 1, 1, 9, 9)
    factor = torch.tensor([0.7, 1.0, 1.3])[:, None, None, None, None]
    other = changed(image, factor)
    torch.testing.assert_close(other.mean((2, 3, 4)), image.mean((2, 3, 4)), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(other.std((2, 3, 4)), image.std((2, 3, 4)) * factor[:, :, 0, 0, 0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other[1], image[1], atol=1e-6, rtol=1e-5)
