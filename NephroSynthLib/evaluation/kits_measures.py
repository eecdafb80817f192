"""The measures of the challenges KiTS21 and KiTS23: Dice and surface Dice of three nested evaluation classes.

A class joins labels (1 kidney, 2 tumour, 3 cyst), so that a mass that is found with the wrong label still counts as
found. The surface Dice is the share of both surfaces that lies within a tolerance of the other one. The tolerance of a
class is the distance between the outlines of different annotators.

Sources: Heller et al., arXiv 2307.01984 (evaluation classes, tolerances); Nikolov et al., arXiv 1809.04430 (surface
Dice). The tolerances are those of the organizers' program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import Spacing, box_around, on_grid


@dataclass(frozen=True)
class EvaluationClass:
    """One of the nested classes.

    Attributes:
        name: Its name.
        labels: The labels that it joins.
        tolerance_mm: Tolerance of its surface Dice.
    """

    name: str
    labels: tuple[int, ...]
    tolerance_mm: float


KIDNEY_AND_MASSES = EvaluationClass("kidney and masses", (1, 2, 3), 1.0330772532390826)
MASSES = EvaluationClass("masses", (2, 3), 1.1328796488598762)
TUMOUR = EvaluationClass("tumour", (2,), 1.1498198361434828)
CLASSES = (KIDNEY_AND_MASSES, MASSES, TUMOUR)


@dataclass(frozen=True)
class Agreement:
    """Agreement of two label maps in one class; both figures lie in [0, 1].

    If neither map has the class, both figures are 1; if one of them lacks it, both are 0.

    Attributes:
        dice: Dice coefficient.
        surface_dice: Surface Dice at the tolerance of the class.
    """

    dice: float
    surface_dice: float


def kits_measures(
    predicted: sitk.Image, reference: sitk.Image, classes: Sequence[EvaluationClass] = CLASSES
) -> dict[str, Agreement]:
    """Compares two KiTS label maps.

    Args:
        predicted: Labels on any grid; brought onto that of `reference` by nearest neighbour.
        reference: Labels: 1 kidney, 2 tumour, 3 cyst.
        classes: The classes to compare. Both kidneys of one label map, 1 right and 2 left, are `KIDNEY_AND_MASSES`.

    Returns:
        The agreement, by the name of the class.
    """
    predicted = on_grid(predicted, reference, label=True)
    found, true = (sitk.GetArrayViewFromImage(labels) for labels in (predicted, reference))
    return {
        each.name: _agreement(
            np.isin(found, each.labels), np.isin(true, each.labels), reference.GetSpacing(), each.tolerance_mm
        )
        for each in classes
    }


def _agreement(first: NDArray[np.bool_], second: NDArray[np.bool_], spacing: Spacing, tolerance_mm: float) -> Agreement:
    if not (first.any() and second.any()):
        both_empty = float(not first.any() and not second.any())
        return Agreement(both_empty, both_empty)
    from monai.metrics.surface_dice import compute_surface_dice

    box = box_around(first | second, spacing, max(spacing)).slices
    one, other = (torch.from_numpy(mask[box])[None, None] for mask in (first, second))
    step = [float(size) for size in spacing[::-1]]
    surface = compute_surface_dice(
        one, other, [tolerance_mm], include_background=True, spacing=step, use_subvoxels=True
    )
    return Agreement(dice(first, second), float(surface))
