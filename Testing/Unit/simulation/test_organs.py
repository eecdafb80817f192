from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from NephroSynthLib.simulation import organs
from NephroSynthLib.simulation.body import paint_lungs
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus, draw_habitus
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

GRID = Grid((46, 56, 66), (6.0, 6.0, 8.0), (-195.0, -165.0, -110.0))


def volumes(steps: Sequence[Callable[..., None]], *tissues: Tissue, count: int = 16) -> np.ndarray:
    """Volumes in ml of an organ in some patients, painted by these steps alone."""
    import torch

    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        canvas = Canvas(GRID, torch.zeros((64, 3)))
        habitus = draw_habitus(rng)
        for paint in steps:
            paint(canvas, habitus, rng)
        found.append(np.isin(canvas.labels.numpy(), tissues).sum() * np.prod(GRID.spacing) / 1000)
    return np.array(found)


def test_liver_volumes_are_those_of_adults() -> None:
    # Johnson et al., AJR 2005;185:1421-1427: 1500 ml on average, 900 to 2600 ml in most adults.
    found = volumes((organs.paint_liver, paint_lungs), Tissue.LIVER, Tissue.LIVER_VESSEL)
    assert 1300 < np.mean(found) < 1850
    assert ((found > 700) & (found < 3300)).all()
    assert (found < 2600).mean() > 0.8


def test_spleen_volumes_are_those_of_adults() -> None:
    # Prassopoulos et al., Eur Radiol 1997;7:246-248: 215 ml on average, 107 to 315 ml; enlarged ones are drawn, too.
    found = volumes((organs.paint_spleen, paint_lungs), Tissue.SPLEEN)
    assert 150 < np.median(found) < 300
    assert ((found > 40) & (found < 1500)).all()


def test_pancreas_volumes_are_those_of_adults() -> None:
    # Saisho et al., Clin Anat 2007;20:933-942: 72 ml on average.
    found = volumes([organs.paint_pancreas], Tissue.PANCREAS)
    assert 55 < np.median(found) < 110


def test_the_liver_lies_right_the_spleen_left_and_the_stomach_in_front_of_it(patients: list[Any]) -> None:
    for patient in patients:
        liver, spleen, stomach = (patient.centre(one) for one in (Tissue.LIVER, Tissue.SPLEEN, Tissue.STOMACH))
        assert liver[0] < -20
        assert spleen[0] > 40
        assert stomach[1] < spleen[1]
        assert liver[2] > 0


def test_liver_vessels_run_inside_the_liver(patients: list[Any]) -> None:
    for patient in patients:
        vessel = patient.mask(Tissue.LIVER_VESSEL)
        beside = ndimage.binary_dilation(vessel) & ~vessel
        assert patient.mask(Tissue.LIVER)[beside].mean() > 0.8


def test_gas_lies_in_front_of_the_fluid_in_the_stomach(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    for seed in range(8):
        canvas = blank(GRID)
        organs.paint_stomach(canvas, habitus, np.random.default_rng(seed))
        labels = canvas.labels.numpy()
        gas, fluid = (np.argwhere(labels == one)[:, 1] for one in (Tissue.BOWEL_GAS, Tissue.BOWEL_FLUID))
        assert (labels == Tissue.STOMACH).any()
        if len(gas) and len(fluid):
            assert gas.max() <= fluid.min() + 1


def test_adrenals_lie_at_the_upper_poles(blank: Callable[[Grid], Canvas], habitus: Habitus) -> None:
    grid = Grid((60, 60, 90), (2.5, 2.5, 2.5), (-112.0, -20.0, -20.0))
    canvas = blank(grid)
    organs.paint_adrenals(canvas, habitus, np.random.default_rng(0))
    points = grid.to_points(np.argwhere(canvas.labels.numpy() == Tissue.ADRENAL))
    for kidney in habitus.kidneys:
        pole = kidney.centre + kidney.rotation[:, 2] * kidney.half[2]
        assert np.linalg.norm(points - pole, axis=1).min() < 25


def test_clips_mark_a_removed_kidney(blank: Callable[[Grid], Canvas]) -> None:
    absent = next(
        one for one in (draw_habitus(np.random.default_rng(seed)) for seed in range(400)) if len(one.kidneys) == 1
    )
    grid = Grid((60, 60, 60), (1.5, 1.5, 1.5), (-84.0 if absent.kidneys[0].side else -4.0, absent.spine_y - 56, -44.0))
    painted = 0
    for seed in range(6):
        canvas = blank(grid)
        organs.paint_clips(canvas, absent, np.random.default_rng(seed))
        painted += bool((canvas.labels.numpy() == Tissue.METAL).any())
    assert 1 <= painted <= 5
