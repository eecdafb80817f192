from __future__ import annotations

import numpy as np
import pytest
import torch

from NephroSynthLib.simulation.canvas import Canvas, _cone_distance
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.shapes import round_cone, superellipsoid
from NephroSynthLib.simulation.tissues import TISSUE_COUNT, Tissue

GRID = Grid((30, 50, 60), (1.0, 1.0, 2.0), (-30.0, -25.0, -30.0))


@pytest.fixture
def canvas() -> Canvas:
    attenuation = torch.zeros((TISSUE_COUNT, 3))
    attenuation[Tissue.AIR] = -1000.0
    attenuation[Tissue.CORTEX] = torch.tensor([30.0, 180.0, 110.0])
    return Canvas(GRID, attenuation)


def test_soft_edges_keep_the_volume_of_a_sphere(canvas: Canvas) -> None:
    radius = 15.3
    canvas.paint_shape(
        (-16, -16, -16),
        (16, 16, 16),
        lambda x, y, z: superellipsoid(x, y, z, (0, 0, 0), (radius,) * 3),
        Tissue.CORTEX,
        kidney=1,
    )
    volume = float(canvas.kidneys[1].sum()) * 2.0
    assert volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    assert float(canvas.kidneys[0].sum()) == 0.0


def test_all_phases_are_painted_together(canvas: Canvas) -> None:
    canvas.paint_tube(np.array([[-20.0, 0.0, 0.0], [20.0, 0.0, 0.0]]), 6.0, Tissue.CORTEX)
    inside = canvas.hu[:, 15, 25, 30]
    torch.testing.assert_close(inside, torch.tensor([30.0, 180.0, 110.0]))
    assert int(canvas.labels[15, 25, 30]) == Tissue.CORTEX


def test_what_is_painted_over_a_kidney_is_taken_from_it(canvas: Canvas) -> None:
    canvas.paint_tube(np.array([[0.0, 0.0, -10.0], [0.0, 0.0, 10.0]]), 10.0, Tissue.CORTEX, kidney=0)
    before = float(canvas.kidneys[0].sum())
    canvas.paint_tube(np.array([[0.0, 0.0, -3.0], [0.0, 0.0, 3.0]]), 4.0, Tissue.PELVIS)
    assert float(canvas.kidneys[0].sum()) < before
    assert float(canvas.kidneys[0, 15, 25, 30]) == 0.0


def test_a_mask_of_tissues_limits_the_paint(canvas: Canvas) -> None:
    canvas.paint_tube(np.array([[-20.0, 0.0, 0.0], [20.0, 0.0, 0.0]]), 6.0, Tissue.LIVER)
    canvas.paint_tube(np.array([[0.0, -20.0, 0.0], [0.0, 20.0, 0.0]]), 3.0, Tissue.LIVER_VESSEL, where={Tissue.LIVER})
    vessel = canvas.labels == Tissue.LIVER_VESSEL
    assert vessel.any()
    assert not vessel[:, :16].any()


def test_both_round_cones_agree() -> None:
    z, y, x = (axis.astype(np.float32) for axis in GRID.axes())
    ends, radii = np.array([[-5.0, 2.0, 1.0], [9.0, -7.0, 12.0]]), np.array([2.0, 6.0])
    quick = _cone_distance(x, y[:, None], z[:, None, None], ends, radii)
    tx, ty, tz = torch.from_numpy(x), torch.from_numpy(y)[:, None], torch.from_numpy(z)[:, None, None]
    plain = round_cone(tx, ty, tz, ends[0], ends[1], 2.0, 6.0)
    np.testing.assert_allclose(quick, plain.numpy(), atol=1e-4)


def test_nothing_outside_the_canvas_is_painted(canvas: Canvas) -> None:
    assert canvas.box((100, 100, 100), (120, 120, 120)) is None
    canvas.paint_tube(np.array([[200.0, 0.0, 0.0], [220.0, 0.0, 0.0]]), 6.0, Tissue.CORTEX)
    assert int(canvas.labels.sum()) == 0
