"""The same patient after another injection: new contrast in place of the contrast of a simulated exam.

A model must learn the enhancement of the nephrographic phase from that of the excretory phase. Each exam is only one
example of this relation, and exams take long to simulate. Enhancement is linear in the iodine of blood, interstitium,
cortex and medulla, so the share of each of them in every voxel gives any number of further examples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS, enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics
from NephroSynthLib.kinetics.priors import draw_parameters, draw_weights
from NephroSynthLib.simulation.attenuation import ARTERIAL, UPTAKE
from NephroSynthLib.simulation.tissues import TISSUE_COUNT, Tissue

ROW = {name: row for row, name in enumerate(COMPARTMENTS)}
EDGE_MM = 0.7


def shares(labels: NDArray[np.uint8], spacing: Sequence[float]) -> NDArray[np.float32]:
    """Returns the share of each compartment in the enhancement of each voxel.

    Args:
        labels: Values of `Tissue`, (z, y, x).
        spacing: Voxel size (x, y, z) in mm.

    Returns:
        Shape (compartment, z, y, x), smooth at the borders of tissues like an image. Urine has no share, because its
        iodine does not follow from the present enhancement.
    """
    table = np.zeros((len(COMPARTMENTS), TISSUE_COUNT), np.float32)
    for tissue, (vascular, interstitial) in UPTAKE.items():
        table[ROW["blood" if tissue in ARTERIAL else "veins"], tissue] = vascular
        table[ROW["interstitium"], tissue] = interstitial
    table[ROW["cortex"], Tissue.CORTEX] = table[ROW["medulla"], Tissue.MEDULLA] = 1.0
    sigma = [EDGE_MM / step for step in reversed(spacing)]
    return np.stack([ndimage.gaussian_filter(row[labels], sigma) for row in table])


def compartment_hu(parameters: ExamKinetics) -> NDArray[np.float64]:
    """Returns the enhancement in HU, (phase, compartment), in the nephrographic and the excretory phase."""
    result = enhancement(parameters, np.array([parameters.nephrographic_s, parameters.excretory_s]))
    return np.stack([getattr(result, name) for name in COMPARTMENTS], axis=-1)


def other_contrast(parenchyma_ml: float, rng: np.random.Generator) -> tuple[NDArray[np.float64], float]:
    """Draws another injection, for a random patient with a renal parenchyma.

    Returns:
        Its `compartment_hu`, and the delay of the excretory phase after it in seconds.
    """
    parameters = draw_parameters(rng, parenchyma_ml, float(draw_weights(rng, 1)[0]))
    return compartment_hu(parameters), parameters.excretory_s
