from __future__ import annotations

import pytest

from NephroSynthLib.methods.windowed_diffusion import steps_of
from NephroSynthLib.settings import SynthesisSettings


@pytest.mark.parametrize(("asked", "taken"), [(1, 20), (2, 2), (50, 50)])
def test_a_method_that_samples_takes_its_own_steps_unless_more_than_one_is_asked(asked: int, taken: int) -> None:
    assert steps_of(SynthesisSettings(steps=asked), own=20) == taken
