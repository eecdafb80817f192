from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from NephroSynthLib.training.kinetic_fit import fit, main
from NephroSynthLib.training.pool import PreparedCase, save_case
from NephroSynthLib.training.synthesis_cases import synthesis_case

RATIO = 1.6


def made_case(noise_hu: float = 0.0, seed: int = 0) -> PreparedCase:
    """A kidney whose nephrographic enhancement is RATIO times the excretory one, with a dense pelvis."""
    rng = np.random.default_rng(seed)
    shape = (8, 24, 24)
    before = np.full(shape, 30.0, np.float32)
    after = before + 60 + 30 * rng.random((1, 24, 1), np.float32)
    truth = before + RATIO * (after - before)
    after[:, :4, :4] = 900.0
    kidneys = np.ones(shape, np.uint8)
    noisy = after + noise_hu * rng.standard_normal(shape, np.float32)
    case = synthesis_case(before, noisy, truth, kidneys, np.full((2, 5), 70.0))
    return case | {"excretory": noisy, "noncontrast": before, "nephrographic": truth}


def test_finds_the_ratio_that_the_data_has_and_leaves_the_pelvis_out() -> None:
    found = fit([made_case(seed=1), made_case(seed=2)], 0.0)
    assert found.ratio == pytest.approx(RATIO, rel=1e-5)
    assert found.rmse_hu == pytest.approx(0, abs=0.05)


def test_smoothing_helps_where_the_phase_is_noisy() -> None:
    cases = [made_case(noise_hu=25)]
    assert fit(cases, 1.0).rmse_hu < 0.8 * fit(cases, 0.0).rmse_hu
    assert fit(cases, 0.0).ratio < RATIO  # noise in the regressor attenuates the slope


def test_the_command_prints_a_line_for_each_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_case(made_case(), tmp_path / "000001.npz")
    monkeypatch.setattr(sys, "argv", ["kinetic_fit", str(tmp_path)])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0.00", "0.50", "1.00", "1.50", "2.00"]
    assert "c = 1.600" in lines[0]
