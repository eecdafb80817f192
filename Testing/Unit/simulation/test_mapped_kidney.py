from __future__ import annotations

import numpy as np
import torch

from NephroSynthLib.simulation.kidneys import draw_kidney
from NephroSynthLib.simulation.mapped_kidney import trace_kidney
from NephroSynthLib.simulation.mapped_patient import MappedPatient


def test_the_capsule_is_the_surface_of_the_labels(mapped_patient: MappedPatient) -> None:
    plan = mapped_patient.habitus.kidney(1)
    assert plan is not None
    kidney = trace_kidney(draw_kidney(np.random.default_rng(0), plan, 1.0), mapped_patient.label_map)
    z, y, x = (torch.from_numpy(axis) for axis in mapped_patient.label_map.grid.axes())
    inside = kidney.capsule(x[None, None, :], y[None, :, None], z[:, None, None]).numpy() < 0
    labels = mapped_patient.label_map.mask(["kidney_left"])
    assert 2 * (inside & labels).sum() / (inside.sum() + labels.sum()) > 0.97


def test_the_distance_stays_positive_far_outside(mapped_patient: MappedPatient) -> None:
    plan = mapped_patient.habitus.kidney(0)
    assert plan is not None
    kidney = trace_kidney(draw_kidney(np.random.default_rng(0), plan, 1.0), mapped_patient.label_map)
    far = [torch.tensor(float(c)).reshape(1, 1, 1) for c in plan.centre + 400.0]
    assert float(kidney.capsule(*far)) > 15
