"""The same patient after another injection: contrast of new kinetics, painted over that of a simulated exam.

What a model has to learn is how much the nephrographic phase enhances, given how much the excretory phase does. That is
one number an exam, and exams are dear; but enhancement is linear in the iodine of blood, interstitium, cortex and
medulla, so the share of each in every voxel gives any number of exams.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from NephroSynthLib.simulation.attenuation import UPTAKE
from NephroSynthLib.simulation.enhancement import KineticParameters, draw_parameters, enhancement
from NephroSynthLib.simulation.tissues import TISSUE_COUNT, Tissue

COMPARTMENTS = ("blood", "interstitium", "cortex", "medulla")
EDGE_MM = 0.7


def shares(labels: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The share of each compartment in the enhancement of each voxel.

    Args:
        labels: (z, y, x) values of `Tissue`.
        spacing: voxel size (x, y, z) in mm.

    Returns:
        (compartment, z, y, x), float32, smooth at the borders of tissues as an image is. Urine has no share: what it
        holds does not follow from the phase before.
    """
    table = np.zeros((len(COMPARTMENTS), TISSUE_COUNT), np.float32)
    for tissue, (vascular, interstitial) in UPTAKE.items():
        table[:2, tissue] = vascular, interstitial
    table[2, Tissue.CORTEX] = table[3, Tissue.MEDULLA] = 1.0
    sigma = [EDGE_MM / step for step in reversed(spacing)]
    return np.stack([ndimage.gaussian_filter(row[labels], sigma) for row in table])


def compartment_hu(parameters: KineticParameters) -> np.ndarray:
    """Enhancement in HU (phase, compartment) in the nephrographic and the excretory phase."""
    result = enhancement(parameters, np.array([parameters.nephrographic_s, parameters.excretory_s]))
    return np.stack([getattr(result, name) for name in COMPARTMENTS], axis=-1)


def other_contrast(parenchyma_ml: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """`compartment_hu` of another injection, given to a patient of any weight and renal function.

    Returns:
        It, and the delay of the excretory phase after that injection in seconds.
    """
    weight = float(np.clip(rng.normal(78, 18), 40, 150))
    function = float(np.clip(rng.normal(0.9, 0.2), 0.2, 1.2))
    parameters = draw_parameters(rng, parenchyma_ml, function, weight)
    return compartment_hu(parameters), parameters.excretory_s
