"""The fields of a form become settings of the library."""

from __future__ import annotations

from NephroSynthLib.session.form_values import NOT_KNOWN, PLACES, settings_of
from NephroSynthLib.settings import Settings


def test_an_empty_form_keeps_all_defaults() -> None:
    assert Settings.model_validate(settings_of({})) == Settings()


def test_zero_says_that_a_number_is_not_known() -> None:
    assert Settings.model_validate(settings_of(dict.fromkeys(NOT_KNOWN, 0))) == Settings()
    assert settings_of({"seed": 0}) == {"seed": 0}


def test_each_field_sets_its_setting() -> None:
    values = {
        "registration": "affine",
        "landmarkUse": "rigid",
        "device": "cpu",
        "model": "a.safetensors",
        "segmenter": "b.safetensors",
        "spacing": [1.0, 0.0, 2.0],
    }
    form = {name: values.get(name, 50) for name in PLACES}
    settings = Settings.model_validate(settings_of(form)).model_dump(mode="json")
    for name, place in PLACES.items():
        group, _, setting = place.rpartition(".")
        assert (settings[group] if group else settings)[setting] == form[name], name
