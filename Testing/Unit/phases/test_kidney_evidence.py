from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.phases.evidence import Phase
from NephroSynthLib.phases.kidney_evidence import Kidneys, kidney_evidence, measure_kidneys

STEP_MM = 3.0
VOXEL_ML = STEP_MM**3 / 1000
URINE_HU = 600.0


def _draw(cortex: float, medulla: float, shrunken: float, urine: bool) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels of two ellipsoids with a hilum; the left one is shrunken: of one HU, and a little smaller."""
    z, y, x = np.mgrid[:50, :40, :80] * STEP_MM
    values, labels = np.full(z.shape, -90.0, np.float32), np.zeros(z.shape, np.uint8)
    for label, x0, towards, size in ((1, 60.0, 1.0, 1.0), (2, 180.0, -1.0, 0.9)):
        distance = np.sqrt(((x - x0) / 30) ** 2 + ((y - 60) / 28) ** 2 + ((z - 75) / 55) ** 2) / size
        sinus = np.hypot((x - x0) * towards - 22, np.hypot(y - 60, (z - 75) / 2)) < 13
        kidney = (distance < 1) & ~sinus
        values[kidney] = shrunken if label == 2 else np.where(distance > 0.75, cortex, medulla)[kidney]
        values[sinus] = URINE_HU if urine else -80.0
        labels[kidney] = label
    return values, labels


def test_the_brighter_kidney_its_cortex_and_the_urine_are_measured() -> None:
    values, labels = _draw(cortex=190.0, medulla=80.0, shrunken=60.0, urine=True)
    measured = measure_kidneys(values, labels, STEP_MM)
    assert measured is not None
    assert measured.hu == np.median(values[labels == 1])
    assert measured.cortex_over_medulla == pytest.approx(110.0)
    between_the_lips = np.count_nonzero(values == URINE_HU) * VOXEL_ML
    assert 0.4 * between_the_lips < measured.urine_ml <= between_the_lips


def test_contrast_outside_of_the_kidneys_is_no_urine() -> None:
    values, labels = _draw(cortex=190.0, medulla=80.0, shrunken=60.0, urine=False)
    values[:, :8, :] = values[:, :, 38:42] = URINE_HU
    measured = measure_kidneys(values, labels, STEP_MM)
    assert measured is not None
    assert measured.urine_ml == 0


def test_specks_are_no_kidneys() -> None:
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:10, 5:10, 5:10] = 1
    assert measure_kidneys(np.zeros(labels.shape, np.float32), labels, STEP_MM) is None
    assert measure_kidneys(np.zeros(labels.shape, np.float32), labels * 0, STEP_MM) is None


@pytest.mark.parametrize(
    ("kidneys", "phase"),
    [
        (Kidneys(30.0, 4.0, 0.0), Phase.NONCONTRAST),
        (Kidneys(36.0, 6.0, 1.5), Phase.NONCONTRAST),  # with stones
        (Kidneys(120.0, 90.0, 0.0), Phase.CORTICOMEDULLARY),
        (Kidneys(160.0, 15.0, 0.0), Phase.NEPHROGRAPHIC),
        (Kidneys(90.0, 2.0, 9.0), Phase.EXCRETORY),
        (Kidneys(190.0, 2.0, 20.0), Phase.EXCRETORY),  # a nephrogram that persists
        (Kidneys(70.0, 2.0, 1.5), Phase.EXCRETORY),  # a kidney that hardly excretes
    ],
)
def test_typical_kidneys_tell_their_phase(kidneys: Kidneys, phase: Phase) -> None:
    weights = kidney_evidence(kidneys).weights
    assert max(weights, key=lambda one: weights[one]) is phase


@given(st.floats(-1000, 3000), st.floats(-500, 500), st.floats(0, 1000))
def test_no_measurement_is_proof(hu: float, cortex: float, urine: float) -> None:
    weights = kidney_evidence(Kidneys(hu, cortex, urine)).weights
    assert set(weights) == set(Phase)
    assert all(-25 < weight <= 0 for weight in weights.values())
