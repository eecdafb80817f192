from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.simulation.field_of_view import draw_grid, similar_grid
from NephroSynthLib.simulation.habitus import draw_habitus


@pytest.mark.parametrize("seed", range(60))
def test_drawn_grids_keep_the_stated_limits_and_hold_both_kidneys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    habitus = draw_habitus(rng)
    grid, origin = draw_grid(rng, habitus)
    assert 0.7 <= grid.spacing[0] == grid.spacing[1] <= 1.5
    assert 1.0 <= grid.spacing[2] <= 5.0
    assert 0.8e6 < np.prod(grid.shape) < 6.5e6
    for kidney in habitus.kidneys:
        index = grid.to_indices(kidney.centre + origin)
        margin = np.max(kidney.half) / np.asarray(grid.spacing)[::-1] * [1.0, 0.3, 0.3]
        assert np.all(index > margin)
        assert np.all(index < np.asarray(grid.shape) - margin)


def test_other_phases_have_grids_of_their_own_about_the_same_place() -> None:
    rng = np.random.default_rng(0)
    reference, _ = draw_grid(rng, draw_habitus(rng))
    others = [similar_grid(rng, reference, True) for _ in range(20)]
    assert len({g.spacing for g in others}) > 10
    for other in others:
        assert 0.7 <= other.spacing[0] <= 1.5
        assert np.linalg.norm(np.subtract(other.centre, reference.centre)) < 15
