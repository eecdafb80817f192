"""Evidence from the kidneys of an image: their HU, the contrast between cortex and medulla, and the dense urine.

The ranges hold on a grid of 3 mm. Measured on simulated exams (seeds 960000 to 960099; for the corticomedullary phase,
arteries of 280 HU, a cortex of 175 HU and a medulla of 70 HU were painted) and made wider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.phases.evidence import Evidence, Phase, log_likelihood

Volume = NDArray[np.float32]

_LEAST_ML = 20.0
_RIM_MM, _CORE_MM = (3.1, 6.5), 9.0
_HILUM_MM = 18.0
_URINE_OVER_KIDNEY_HU = 130.0

_HU: Mapping[Phase, tuple[float, float]] = {
    Phase.NONCONTRAST: (28.0, 11.0),
    Phase.CORTICOMEDULLARY: (135.0, 40.0),
    Phase.NEPHROGRAPHIC: (150.0, 45.0),
    Phase.EXCRETORY: (92.0, 50.0),
}
_CORTEX_OVER_MEDULLA: Mapping[Phase, tuple[float, float]] = {
    Phase.NONCONTRAST: (6.0, 6.0),
    Phase.CORTICOMEDULLARY: (78.0, 33.0),
    Phase.NEPHROGRAPHIC: (20.0, 25.0),
    Phase.EXCRETORY: (5.0, 12.0),
}
_HU_RANGE, _CORTEX_RANGE, _URINE_RANGE = (300.0, 0.02), (200.0, 0.06), (4.0, 0.06)
_EXCRETED = 2.4, 0.8  # logarithm of ml of dense urine, plus 1
# Stones, oral contrast beside a kidney, and the first urine of a late nephrographic phase look like dense urine.
_NOT_EXCRETED, _LOOKS_SO, _LOOKS_SO_BY = 0.2, 0.2, 0.6
_RARE = -1.0  # CT urography needs no corticomedullary phase
_NOT_A_PHASE = -5.0


@dataclass(frozen=True)
class Kidneys:
    """The kidneys of one image.

    Attributes:
        hu: Median HU of the brighter kidney, because an obstructed or shrunken one enhances late.
        cortex_over_medulla: HU by which the outer part of that kidney is brighter than its inner part.
        urine_ml: Volume in the kidneys and their sinuses that is far brighter than the parenchyma.
    """

    hu: float
    cortex_over_medulla: float
    urine_ml: float


def measure_kidneys(values: Volume, labels: NDArray[np.integer], spacing_mm: float) -> Kidneys | None:
    """Measures the kidneys of an image.

    Args:
        values: (z, y, x) HU.
        labels: (z, y, x) of the same shape; each value above 0 is a kidney.
        spacing_mm: Voxel size, the same along each axis.

    Returns:
        The measurement; None if no kidney is larger than 20 ml.
    """
    voxel_ml = spacing_mm**3 / 1000
    kidneys = [labels == label for label in np.unique(labels[labels > 0])]
    kidneys = [kidney for kidney in kidneys if np.count_nonzero(kidney) * voxel_ml >= _LEAST_ML]
    if not kidneys:
        return None
    brightest = max(kidneys, key=lambda kidney: float(np.median(values[kidney])))
    hu = float(np.median(values[brightest]))
    urine = 0
    for kidney in kidneys:
        box = _box(kidney)
        dense = values[box] > hu + _URINE_OVER_KIDNEY_HU
        urine += int(np.count_nonzero(dense & _with_hilum(kidney[box], spacing_mm)))
    box = _box(brightest)
    return Kidneys(hu, _cortex_over_medulla(values[box], brightest[box], spacing_mm), urine * voxel_ml)


def kidney_evidence(kidneys: Kidneys) -> Evidence:
    """Returns the evidence from the kidneys of one image."""
    urine = math.log1p(kidneys.urine_ml)
    weights = {}
    for phase, normal in _HU.items():
        weights[phase] = log_likelihood(kidneys.hu, normal, *_HU_RANGE)
        weights[phase] += log_likelihood(kidneys.cortex_over_medulla, _CORTEX_OVER_MEDULLA[phase], *_CORTEX_RANGE)
        excreted = phase is Phase.EXCRETORY
        weights[phase] += log_likelihood(urine, _EXCRETED, *_URINE_RANGE) if excreted else _without_excretion(urine)
    best = max(weights.values())
    weights = {phase: weight - best for phase, weight in weights.items()}
    weights[Phase.CORTICOMEDULLARY] += _RARE
    weights[Phase.OTHER] = _NOT_A_PHASE
    text = f"kidneys {kidneys.hu:.0f} HU, outside {kidneys.cortex_over_medulla:+.0f} HU against inside"
    return Evidence("image", f"{text}, {kidneys.urine_ml:.0f} ml of dense urine", weights)


def _without_excretion(urine: float) -> float:
    """Returns the log-likelihood of urine-like volume before excretion: a half-normal and an exponential part."""
    none = math.exp(-((urine / _NOT_EXCRETED) ** 2) / 2) / (_NOT_EXCRETED * math.sqrt(math.pi / 2))
    some = math.exp(-urine / _LOOKS_SO_BY) / _LOOKS_SO_BY
    return math.log((1 - _LOOKS_SO) * none + _LOOKS_SO * some)


def _cortex_over_medulla(values: Volume, kidney: NDArray[np.bool_], spacing_mm: float) -> float:
    """Returns the upper quartile near the surface minus the lower quartile deep inside; 0 for a thin kidney."""
    depth = ndimage.distance_transform_edt(np.pad(kidney, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    rim, core = values[(depth > _RIM_MM[0]) & (depth <= _RIM_MM[1])], values[depth > _CORE_MM]
    return float(np.percentile(rim, 75) - np.percentile(core, 25)) if min(rim.size, core.size) > 20 else 0.0


def _with_hilum(kidney: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.bool_]:
    """Returns a kidney with its sinus, in which the renal pelvis lies, by morphological closing."""
    reach = round(_HILUM_MM / spacing_mm)
    around = np.pad(kidney, reach + 1)
    near = ndimage.distance_transform_edt(~around, sampling=spacing_mm) <= _HILUM_MM
    closed = ndimage.distance_transform_edt(near, sampling=spacing_mm) > _HILUM_MM
    inner = (slice(reach + 1, -reach - 1),) * 3
    return np.asarray(closed[inner] | kidney)


def _box(kidney: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Returns the bounding box of a kidney; its closing stays inside the box."""
    return tuple(ndimage.find_objects(kidney.astype(np.uint8))[0])
