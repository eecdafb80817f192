from __future__ import annotations

import numpy as np

from NephroSynthLib.methods.excretory import Excretory
from NephroSynthLib.methods.method import Case, Contrast
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings


def test_it_gives_the_excretory_phase_back() -> None:
    before, after = np.random.default_rng(0).normal(60, 30, (2, 3, 4, 5)).astype(np.float32)
    case = Case(before, after, (1.0, 1.0, 2.0), Contrast(np.zeros(5), np.zeros(5)))
    np.testing.assert_array_equal(Excretory().translate(case, SynthesisSettings(), 0, Progress()), after)
