"""Settings take their defaults and ranges from the options, and refuse everything else."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from NephroSynthLib import options
from NephroSynthLib.options import Option
from NephroSynthLib.settings import RegistrationSettings, SegmentationSettings, Settings, SynthesisSettings

FIELDS: list[tuple[Any, str, Option[Any]]] = [
    (RegistrationSettings, "mode", options.REGISTRATION),
    (RegistrationSettings, "ssim_gate", options.SSIM_GATE),
    (SegmentationSettings, "model", options.SEGMENTATION_MODEL),
    (SegmentationSettings, "steps", options.SEGMENTATION_STEPS),
    (SynthesisSettings, "model", options.SYNTHESIS_MODEL),
    (SynthesisSettings, "sampler", options.SAMPLER),
    (SynthesisSettings, "steps", options.STEPS),
    (SynthesisSettings, "samples", options.SAMPLES),
    (SynthesisSettings, "excretory_delay_s", options.EXCRETORY_DELAY),
    (SynthesisSettings, "nephrographic_delay_s", options.NEPHROGRAPHIC_DELAY),
    (SynthesisSettings, "weight_kg", options.WEIGHT),
    (SynthesisSettings, "iodine_g", options.IODINE),
    (SynthesisSettings, "egfr_ml_min", options.EGFR),
    (SynthesisSettings, "margin_mm", options.MARGIN),
    (Settings, "device", options.DEVICE),
    (Settings, "seed", options.SEED),
    (Settings, "spacing", options.SPACING),
    (Settings, "patient_from_dicom", options.PATIENT_FROM_DICOM),
    (Settings, "strict", options.STRICT),
]


@pytest.mark.parametrize(("model", "name", "option"), FIELDS)
def test_a_setting_is_its_option(model: Any, name: str, option: Option[Any]) -> None:
    assert getattr(model(), name) == option.default
    assert model.model_fields[name].description == option.help
    if option.least is not None and name != "spacing":
        assert getattr(model(**{name: option.least}), name) == option.least
        with pytest.raises(ValidationError):
            model(**{name: option.least - 1})
    if option.most is not None and name != "spacing":
        assert getattr(model(**{name: option.most}), name) == option.most
        with pytest.raises(ValidationError):
            model(**{name: option.most + 1})


def test_settings_survive_json() -> None:
    settings = Settings(seed=7, spacing=(0.0, 1.0, 2.5), synthesis=SynthesisSettings(samples=3))
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_a_device_is_recognized_in_any_case() -> None:
    assert Settings(device="CPU").device == "cpu"
    assert Settings(device="CUDA:1").device == "cuda:1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "abacus"},
        {"spacing": (1.0, 1.0, 100.0)},
        {"spacing": (0.1, 1.0, 1.0)},
        {"registration": {"mode": "magic"}},
        {"colour": "red"},
    ],
)
def test_other_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)
