from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import ndimage

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_body import paint_liver_vessels, paint_mapped_body, paint_plaques
from NephroSynthLib.simulation.mapped_patient import MappedPatient
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.tissues import Tissue


def test_layers_follow_each_other_from_the_air_to_the_middle(
    blank: Callable[[Grid], Canvas], mapped_patient: MappedPatient
) -> None:
    canvas = blank(Grid((4, 150, 190), (2.0, 2.0, 8.0), (-190.0, -150.0, -12.0)))
    paint_mapped_body(canvas, mapped_patient, np.random.default_rng(0))
    row = canvas.labels.numpy()[1, 75]
    kinds = [int(row[0]), *(int(b) for a, b in pairwise(row) if a != b)]
    order = [k for k in kinds if k in (Tissue.AIR, Tissue.SKIN, Tissue.SUBCUTANEOUS_FAT, Tissue.MUSCLE)]
    assert order[0] == order[-1] == Tissue.AIR
    assert order.index(Tissue.SKIN) < order.index(Tissue.SUBCUTANEOUS_FAT) < order.index(Tissue.MUSCLE)
    assert row[95] == Tissue.VISCERAL_FAT
    assert ndimage.label(canvas.labels.numpy() == Tissue.AIR)[1] == 1


def test_vessels_and_plaques_stay_in_liver_and_aorta(blank: Callable[[Grid], Canvas], toy_label_map: LabelMap) -> None:
    canvas = blank(toy_label_map.grid)
    canvas.labels[toy_label_map.mask(["liver"])] = int(Tissue.LIVER)
    canvas.labels[toy_label_map.mask(["aorta"])] = int(Tissue.AORTA)
    for seed in range(4):
        paint_liver_vessels(canvas, toy_label_map, np.random.default_rng(seed))
        paint_plaques(canvas, toy_label_map, np.random.default_rng(seed))
    labels = canvas.labels.numpy()
    assert (labels == Tissue.LIVER_VESSEL).any()
    assert (labels == Tissue.CALCIFICATION).any()
    assert toy_label_map.mask(["liver"])[labels == Tissue.LIVER_VESSEL].all()
    assert toy_label_map.mask(["aorta"])[labels == Tissue.CALCIFICATION].all()
