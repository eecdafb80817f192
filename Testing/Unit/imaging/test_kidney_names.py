from __future__ import annotations

import pytest

from NephroSynthLib.imaging.kidney_names import kidney_side
from NephroSynthLib.imaging.sides import EITHER, LEFT, RIGHT


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("kidney_right", RIGHT),
        ("KIDNEY LEFT", LEFT),
        ("Right kidney", RIGHT),
        ("Niere links", LEFT),
        ("rein droit", RIGHT),
        ("riñón izquierdo", LEFT),
        ("rene destro", RIGHT),
        ("kidney L", LEFT),
        ("kidneys", EITHER),
        ("right and left kidney", EITHER),
        ("liver", None),
        ("right adrenal gland", None),
        ("kidney_cyst_left", None),
        ("kidney tumor", None),
        ("kidney stone right", None),
    ],
)
def test_a_name_tells_the_kidney(name: str, side: int | None) -> None:
    assert kidney_side(name) == side


def test_tags_tell_what_the_name_does_not() -> None:
    terminology = "Anatomical Structure Kidney Left"
    assert kidney_side("Segment_1", terminology) == LEFT
    assert kidney_side("right kidney", terminology) == RIGHT
    assert kidney_side("Segment_1", "Tissue Tissue") is None
    assert kidney_side("cyst", terminology) is None
