from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.kinetics.priors import draw_parameters
from NephroSynthLib.simulation.attenuation import UNENHANCED, draw_attenuation
from NephroSynthLib.simulation.tissues import PUBLISHED_HU, Tissue


@pytest.fixture(scope="module")
def tables() -> np.ndarray:
    """(patients, tissue, phase) HU of 150 patients."""
    drawn = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        kinetics = draw_parameters(rng, float(rng.uniform(220, 420)), float(rng.uniform(50, 110)))
        drawn.append(draw_attenuation(rng, kinetics).numpy())
    return np.stack(drawn)


@pytest.mark.parametrize("tissue", PUBLISHED_HU, ids=lambda t: t.name)
def test_most_patients_lie_in_the_published_range(tables: np.ndarray, tissue: Tissue) -> None:
    published = PUBLISHED_HU[tissue]
    for phase, (low, high) in enumerate((published.noncontrast, published.nephrographic, published.excretory)):
        values = tables[:, tissue, phase]
        assert low <= np.median(values) <= high
        assert np.mean((values >= low) & (values <= high)) >= 0.8


def test_patients_vary_beyond_the_published_range(tables: np.ndarray) -> None:
    outside = [
        np.mean((tables[:, t, 1] < r.nephrographic[0]) | (tables[:, t, 1] > r.nephrographic[1]))
        for t, r in PUBLISHED_HU.items()
    ]
    assert max(outside) > 0.03


def test_every_tissue_has_an_attenuation() -> None:
    assert set(UNENHANCED) == set(Tissue)


def test_phases_are_told_apart_by_kidney_aorta_and_urine(tables: np.ndarray) -> None:
    median = np.median(tables, axis=0)
    for tissue in (Tissue.CORTEX, Tissue.MEDULLA, Tissue.AORTA):
        assert median[tissue, 0] < median[tissue, 2] < median[tissue, 1]
    assert median[Tissue.PELVIS, 2] > 300
