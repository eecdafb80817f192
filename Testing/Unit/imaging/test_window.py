from __future__ import annotations

import numpy as np
import torch

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, from_window, to_window


def test_the_windows_limits_and_level_become_minus_one_one_and_zero() -> None:
    np.testing.assert_allclose(to_window(np.array([LOWER_HU, 50.0, UPPER_HU])), [-1, 0, 1])
    assert (LOWER_HU, UPPER_HU) == (-150, 250)


def test_values_beyond_the_window_are_clipped() -> None:
    np.testing.assert_allclose(to_window(np.array([-1024.0, 3000.0])), [-1, 1])


def test_windowing_is_undone_inside_the_window() -> None:
    hu = torch.linspace(LOWER_HU, UPPER_HU, 41)
    torch.testing.assert_close(from_window(to_window(hu)), hu)
