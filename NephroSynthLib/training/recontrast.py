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
LEAST_VOXELS = 200


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


def other_contrast(parenchyma_ml: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draws another injection, for a random patient with a renal parenchyma, and returns its `compartment_hu`."""
    return compartment_hu(draw_parameters(rng, parenchyma_ml, float(draw_weights(rng, 1)[0])))


def measured_contrast(
    nominal: NDArray[np.float64],
    enhancement: Sequence[NDArray[np.floating]],
    shares_of_phase: Sequence[NDArray[np.uint8]],
) -> NDArray[np.float64]:
    """Returns the enhancement of the compartments as the images show it, where they show it.

    The strength of enhancement differs between tissues of one exam, so that its images show more or less than its
    kinetics say.

    Args:
        nominal: Enhancement in HU by kinetics, (phase, compartment).
        enhancement: Enhancement in HU of each phase, (z, y, x).
        shares_of_phase: Shares of the compartments for each phase in 255ths, (compartment, z, y, x).

    Returns:
        Median over the voxels of one compartment alone, (phase, compartment); the nominal value of the interstitium,
        which never is alone, and of compartments with fewer than `LEAST_VOXELS`.
    """
    result = nominal.copy()
    for phase, (hu, parts) in enumerate(zip(enhancement, shares_of_phase, strict=True)):
        for compartment in (ROW["blood"], ROW["veins"], ROW["cortex"], ROW["medulla"]):
            alone = parts[compartment] > 0.98 * 255
            if alone.sum() >= LEAST_VOXELS:
                result[phase, compartment] = np.median(hu[alone])
    return result
