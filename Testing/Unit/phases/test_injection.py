from __future__ import annotations

import pytest

from NephroSynthLib.phases.injection import iodine_g, weight_kg

DOSE = {"ContrastBolusTotalDose": "100", "ContrastBolusIngredientConcentration": "350"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"PatientWeight": "82.5"}, 82.5),
        ({}, None),
        ({"PatientWeight": ""}, None),
        ({"PatientWeight": "0"}, None),
        ({"PatientWeight": "82500"}, None),
        ({"PatientWeight": "nan"}, None),
        ({"PatientWeight": "heavy"}, None),
    ],
)
def test_the_weight_is_that_of_a_person(header: dict[str, str], expected: float | None) -> None:
    assert weight_kg(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (DOSE, 35.0),
        ({**DOSE, "ContrastBolusVolume": "90"}, 35.0),
        ({"ContrastBolusVolume": "90", "ContrastBolusIngredientConcentration": "300"}, 27.0),
        ({**DOSE, "ContrastBolusIngredient": "IODINE"}, 35.0),
        ({**DOSE, "ContrastBolusIngredient": "GADOLINIUM"}, None),
        ({"ContrastBolusTotalDose": "100"}, None),
        ({"ContrastBolusIngredientConcentration": "350"}, None),
        ({**DOSE, "ContrastBolusTotalDose": "10000"}, None),
    ],
)
def test_the_iodine_is_volume_times_concentration(header: dict[str, str], expected: float | None) -> None:
    assert iodine_g(header) == expected
