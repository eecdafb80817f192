from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from NephroSynthLib.phases.evidence import ENHANCED, PHASES, Evidence, Phase, log_likelihood


def test_evidence_favours_the_phases_within_half_a_unit_of_the_best() -> None:
    evidence = Evidence(
        "image", "bright", {Phase.NEPHROGRAPHIC: 2.0, Phase.CORTICOMEDULLARY: 1.6, Phase.EXCRETORY: 1.4}
    )
    assert evidence.favours == (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC)
    assert evidence.speaks_against(Phase.NONCONTRAST)
    assert not evidence.speaks_against(Phase.EXCRETORY)


def test_weak_evidence_favours_nothing() -> None:
    evidence = Evidence("timing", "late", {Phase.EXCRETORY: 0.9})
    assert evidence.favours == ()
    assert not any(evidence.speaks_against(phase) for phase in PHASES)


def test_a_phase_that_is_left_out_has_no_weight() -> None:
    evidence = Evidence("contrast", "agent", dict.fromkeys(ENHANCED, 1.0))
    assert evidence.weight(Phase.NONCONTRAST) == 0.0
    assert evidence.favours == ENHANCED


@given(st.floats(-50, 150), st.floats(1, 40), st.floats(0.001, 0.5))
def test_the_density_is_that_of_a_normal_distribution_mixed_with_a_uniform_one(
    value: float, deviation: float, outliers: float
) -> None:
    expected = (1 - outliers) * stats.norm(50, deviation).pdf(value) + outliers / 200
    assert log_likelihood(value, (50, deviation), 200, outliers) == pytest.approx(math.log(expected))


def test_the_density_integrates_to_one_over_the_range_of_the_outliers() -> None:
    total, _ = integrate.quad(lambda value: math.exp(log_likelihood(value, (0, 5), 100, 0.1)), -50, 50, points=[0])
    assert total == pytest.approx(1.0, abs=1e-6)
