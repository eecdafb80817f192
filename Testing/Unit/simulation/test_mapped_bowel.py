from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_bowel import paint_hollow_organs
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

CONTENTS = (Tissue.BOWEL_FLUID, Tissue.BOWEL_GAS, Tissue.STOOL, Tissue.ORAL_CONTRAST)


@pytest.fixture(scope="module")
def canvas(blank: Callable[[Grid], Canvas], toy_label_map: LabelMap) -> Canvas:
    canvas = blank(toy_label_map.grid)
    paint_hollow_organs(canvas, toy_label_map, np.random.default_rng(3))
    return canvas


def test_bowel_and_stomach_fill_their_labels_with_a_wall_around_contents(
    canvas: Canvas, toy_label_map: LabelMap
) -> None:
    labels = canvas.labels.numpy()
    for name, wall in (("small_bowel", Tissue.BOWEL_WALL), ("colon", Tissue.BOWEL_WALL), ("stomach", Tissue.STOMACH)):
        mask = toy_label_map.mask([name])
        assert np.isin(labels[ndimage.binary_erosion(mask)], [*CONTENTS, wall]).all()
        assert np.isin(labels[ndimage.binary_erosion(mask, iterations=2)], CONTENTS).mean() > 0.3


def test_gas_lies_in_front_of_fluid_in_the_stomach(canvas: Canvas, toy_label_map: LabelMap) -> None:
    inside = ndimage.binary_erosion(toy_label_map.mask(["stomach"]), iterations=2)
    rows = np.broadcast_to(np.arange(inside.shape[1])[None, :, None], inside.shape)
    gas, fluid = (rows[inside & (canvas.labels.numpy() == kind)] for kind in (Tissue.BOWEL_GAS, Tissue.BOWEL_FLUID))
    assert len(fluid)
    assert not len(gas) or gas.max() <= fluid.min()


def test_urine_fills_the_bladder_behind_its_wall(canvas: Canvas, toy_label_map: LabelMap) -> None:
    mask = toy_label_map.mask(["urinary_bladder"])
    assert (canvas.labels.numpy()[ndimage.binary_erosion(mask, iterations=2)] == Tissue.BLADDER).all()
    assert (canvas.labels.numpy()[mask] == Tissue.BLADDER_WALL).any()
