from __future__ import annotations

import numpy as np
import pytest

from NephroSynthLib.simulation.collecting_system import HYDRONEPHROTIC
from NephroSynthLib.simulation.lesions import CYSTS, HYDRONEPHROSIS, MASS, STONES, draw_pathology


def test_pathologies_occur_as_often_as_stated() -> None:
    drawn = [draw_pathology(np.random.default_rng(seed)) for seed in range(3000)]
    assert np.mean([p.cysts for p in drawn]) == pytest.approx(CYSTS, abs=0.03)
    assert np.mean([p.mass for p in drawn]) == pytest.approx(MASS, abs=0.03)
    assert np.mean([p.stones for p in drawn]) == pytest.approx(STONES, abs=0.03)
    assert np.mean([p.dilation >= HYDRONEPHROTIC for p in drawn]) == pytest.approx(HYDRONEPHROSIS, abs=0.02)
