"""The choice among the stages: evidence drops a stage, small differences do not, and nothing alarms without reason."""

from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.options import RegistrationMode
from NephroSynthLib.registration.fusion import FusedMap, fuse
from NephroSynthLib.registration.geometry import translation
from NephroSynthLib.registration.stage_choice import Candidate, choose


def _candidate(mode: RegistrationMode, ssim: float, shift_mm: float = 0.0, min_jacobian: float = 1.0) -> Candidate:
    still = fuse(translation(np.zeros(3)), (), ())
    return Candidate(mode, FusedMap(still.transform, min_jacobian, still.affine, None), ssim, shift_mm)


def test_phases_that_are_aligned_already_stay_and_raise_no_warning() -> None:
    stages = [
        _candidate("none", 0.820),
        _candidate("affine", 0.818, 0.4),
        _candidate("two-stage", 0.819, 0.3),
        _candidate("dense", 0.819, 0.3),
    ]
    choice = choose(stages)
    assert choice.best.mode == "none"
    assert choice.warnings == ()
    assert "aligned already" in choice.notes[0]


def test_the_last_stage_is_kept_without_evidence_against_it() -> None:
    stages = [_candidate("none", 0.4), _candidate("two-stage", 0.800, 12.0), _candidate("dense", 0.799, 12.0)]
    choice = choose(stages)
    assert (choice.best.mode, choice.warnings, choice.notes) == ("dense", (), ())


def test_a_stage_that_makes_the_phases_less_alike_is_left_out_and_said() -> None:
    choice = choose([_candidate("none", 0.4), _candidate("two-stage", 0.80, 12.0), _candidate("dense", 0.75, 12.0)])
    assert choice.best.mode == "two-stage"
    assert choice.warnings == (
        "The dense registration did not make the phases more alike (SSIM 0.75, before 0.80), so the result is that of "
        "mode two-stage.",
    )


@pytest.mark.parametrize("min_jacobian", [0.0, -0.5])
def test_a_map_that_folds_is_left_out(min_jacobian: float) -> None:
    choice = choose([_candidate("none", 0.4), _candidate("affine", 0.9, 12.0, min_jacobian)])
    assert choice.best.mode == "none"
    assert "fold" in choice.warnings[0]


def test_figures_in_a_warning_differ_as_the_values_do() -> None:
    warning = choose([_candidate("none", 0.6549), _candidate("affine", 0.6448)]).warnings[0]
    assert "SSIM 0.64, before 0.65" in warning


def test_unrelated_phases_are_left_where_they_are() -> None:
    choice = choose([_candidate("none", 0.01), _candidate("affine", 0.05, 30.0)])
    assert choice.best.mode == "none"
    assert any("nothing in common" in warning for warning in choice.warnings)


def test_a_phase_without_structure_is_left_where_it_is() -> None:
    choice = choose([_candidate("none", 0.200), _candidate("affine", 0.199, 30.0)])
    assert choice.best.mode == "none"
    assert "did not make the phases more alike" in choice.warnings[0]
