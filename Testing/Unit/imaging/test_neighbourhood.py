from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from NephroSynthLib.imaging.neighbourhood import ball, between


@pytest.mark.parametrize("voxels", [1, 2, 3, 5])
def test_a_ball_holds_the_voxels_within_its_radius(voxels: int) -> None:
    elsewhere = np.ones((2 * voxels + 1,) * 3, bool)
    elsewhere[(voxels,) * 3] = False
    distance = ndimage.distance_transform_edt(elsewhere, sampling=3.0)
    np.testing.assert_array_equal(ball(voxels * 3.0, 3.0), distance <= voxels * 3.0)


def test_limits_do_not_lie_between_themselves() -> None:
    assert between(np.array([-1.0, 0.0, 0.5, 1.0]), 0.0, 1.0).tolist() == [False, False, True, False]
