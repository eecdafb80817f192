from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.collecting_system import HYDRONEPHROTIC, Urine, draw_urine, paint_collecting_system
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.kidneys import draw_kidney, paint_kidney
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue

URINE = (Tissue.PELVIS, Tissue.CALYX, Tissue.URETER)


def test_a_dilated_system_is_fuller_of_old_urine_and_layers_more() -> None:
    normal = [draw_urine(np.random.default_rng(seed), 1.0) for seed in range(60)]
    dilated = [draw_urine(np.random.default_rng(seed), HYDRONEPHROTIC) for seed in range(60)]
    assert max(one.filling for one in dilated) <= min(one.filling for one in normal)
    assert min(one.layering for one in dilated) >= max(one.layering for one in normal)


def test_iodine_of_the_excretory_phase_settles_at_the_back(blank: Callable[[Grid], Canvas]) -> None:
    canvas = blank(Grid((3, 21, 3), (1.0, 1.0, 1.0), (0.0, -10.0, 0.0)))
    canvas.attenuation[Tissue.PELVIS] = torch.tensor([5.0, 8.0, 905.0])
    hu = Urine(filling=0.5, layering=0.6).hu(canvas, Tissue.PELVIS, canvas.whole(), 0.0, 1.0)
    assert torch.equal(hu[0], torch.full_like(hu[0], 5.0))
    assert torch.equal(hu[1], torch.full_like(hu[1], 8.0))
    assert float(hu[2, 1, 10, 1]) == pytest.approx(5 + 900 * 0.5)
    assert (hu[2].diff(dim=1) >= 0).all()
    plain = Urine(filling=0.5, layering=0.6).hu(canvas, Tissue.PELVIS, canvas.whole(), 0.0, 0.0)
    assert torch.equal(plain[2], plain[0])


@pytest.mark.parametrize("dilation", [1.0, 3.5])
def test_calyces_belong_to_their_kidney_and_the_rest_to_none(
    blank: Callable[[Grid], Canvas], habitus: Habitus, dilation: float
) -> None:
    plan = habitus.kidneys[0]
    low = plan.centre - 75
    canvas = blank(Grid((76, 76, 76), (2.0, 2.0, 2.0), tuple(low)))
    rng = np.random.default_rng(4)
    kidney = draw_kidney(rng, plan, dilation)
    paint_kidney(canvas, kidney, rng)
    calyces = paint_collecting_system(canvas, kidney, rng, habitus)
    labels, occupancy = canvas.labels.numpy(), canvas.kidneys[plan.side].numpy()
    assert (labels == Tissue.CALYX).any()
    assert occupancy[labels == Tissue.CALYX].mean() > 0.8
    assert occupancy[labels == Tissue.PELVIS].mean() < 0.2
    inside = kidney.capsule(*(torch.tensor(calyces[:, axis], dtype=torch.float32) for axis in range(3)))
    assert (inside < 0).all()


def test_dilation_widens_the_system(patients: list[Any], ill_patient: Any) -> None:
    assert ill_patient.ml(*URINE) > 2 * patients[0].ml(*URINE)


def test_the_ureters_lead_from_the_kidneys_to_the_bladder(ill_patient: Any) -> None:
    urine = ndimage.binary_dilation(ill_patient.mask(*URINE, Tissue.STONE), np.ones((3, 3, 3)))
    pieces, count = ndimage.label(urine | ill_patient.mask(Tissue.BLADDER, Tissue.BLADDER_WALL), np.ones((3, 3, 3)))
    bladder = np.unique(pieces[ill_patient.mask(Tissue.BLADDER)])
    for plan in ill_patient.habitus.kidneys:
        x = np.broadcast_to(ill_patient.points[0], urine.shape)
        own = ill_patient.mask(Tissue.PELVIS) & (x * plan.outward > 0)
        assert count
        assert set(np.unique(pieces[own])) & set(bladder)
