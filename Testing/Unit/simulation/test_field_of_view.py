from __future__ import annotations

import numpy as np
from grid_indices import to_indices
from numpy.typing import NDArray

from NephroSynthLib.simulation.field_of_view import draw_grid, similar_grid
from NephroSynthLib.simulation.habitus import KidneyPlan, draw_habitus
from NephroSynthLib.simulation.reference_grid import Grid


def shown(grid: Grid, origin: NDArray[np.float64], kidney: KidneyPlan) -> bool:
    """Whether the grid holds a kidney's box."""
    reach = np.abs(kidney.rotation) @ np.asarray(kidney.half)
    low, high = (to_indices(grid, kidney.centre + sign * reach + origin) for sign in (-1, 1))
    return bool(np.all(low > 0) and np.all(high < grid.shape))


def test_drawn_grids_keep_the_stated_limits_and_hold_a_kidney() -> None:
    spacings, whole = [], 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        habitus = draw_habitus(rng)
        grid, origin = draw_grid(rng, habitus)
        assert grid.spacing[0] == grid.spacing[1]
        assert 16**3 < np.prod(grid.shape) < 6e6
        held = [shown(grid, origin, kidney) for kidney in habitus.kidneys]
        assert any(held) or np.prod(grid.spacing) < 1.0
        whole += all(held)
        spacings.append(grid.spacing)
    low, high = np.min(spacings, axis=0), np.max(spacings, axis=0)
    assert 0.6 <= low[0] < 0.62
    assert 1.55 < high[0] <= 1.6
    assert (low[2], high[2]) == (0.6, 5.0)
    assert whole > 0.7 * 300


def test_the_spacing_does_not_tell_the_field_of_view() -> None:
    rng = np.random.default_rng(1)
    habitus = draw_habitus(rng)
    grids = [draw_grid(rng, habitus)[0] for _ in range(200)]
    thin = [g for g in grids if g.spacing[2] <= 1.5 and g.spacing[0] > 0.9]
    assert max(g.extent[0] for g in thin) > 250


def test_a_grid_ends_where_the_patient_is_known() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        habitus = draw_habitus(rng)
        top = max(k.centre[2] + k.half[2] for k in habitus.kidneys) + 40.0
        grid, origin = draw_grid(rng, habitus, top)
        assert grid.origin[2] + grid.extent[2] - origin[2] < top + grid.spacing[2]


def test_other_phases_have_grids_of_their_own_about_the_same_place() -> None:
    rng = np.random.default_rng(0)
    reference, _ = draw_grid(rng, draw_habitus(rng))
    others = [similar_grid(rng, reference, True) for _ in range(20)]
    assert len({g.spacing for g in others}) > 10
    for other in others:
        assert 0.6 <= other.spacing[0] <= 1.6
        assert np.linalg.norm(np.subtract(other.centre, reference.centre)) < 15
