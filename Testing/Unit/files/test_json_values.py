"""What JSON cannot say is left out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from NephroSynthLib.files.json_values import finite

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner))


@given(values)
def test_every_value_becomes_strict_json(value: object) -> None:
    json.dumps(finite(value), allow_nan=False)


@given(st.recursive(scalars.filter(lambda x: not isinstance(x, float)), st.lists))
def test_a_value_without_floats_stays_as_it_is(value: object) -> None:
    assert finite(value) == value


def test_infinite_figures_become_null() -> None:
    assert finite({"psnr": float("inf"), "mae": (0.0, float("nan"))}) == {"psnr": None, "mae": [0.0, None]}
