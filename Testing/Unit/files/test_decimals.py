"""Two figures that differ look different."""

from __future__ import annotations

import pytest

from NephroSynthLib.files.decimals import beside


@pytest.mark.parametrize("value", [0.1, 0.6449, 0.6451, 0.6499, 0.64999, 0.6500001, 0.651, 0.9, -0.2])
def test_the_text_of_a_figure_is_on_its_side_of_the_limit(value: float) -> None:
    text, limit = beside(value, 0.65)
    assert float(limit) == 0.65
    if abs(value - 0.65) > 1e-6:
        assert (float(text) < float(limit)) == (value < 0.65)


def test_no_more_decimals_are_shown_than_needed() -> None:
    assert beside(0.7012, 0.65) == ("0.70", "0.65")
    assert beside(0.6497, 0.65) == ("0.6497", "0.6500")
    assert beside(0.65, 0.65) == ("0.65", "0.65")
