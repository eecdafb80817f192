from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.kinetics.posterior import Observed, Told, estimate
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.enhancement_estimate import EnhancementEstimate, estimate_enhancement
from NephroSynthLib.synthesis.tissue_enhancement import tissue_enhancement


@pytest.fixture(scope="module")
def phases() -> list[sitk.Image]:
    """Two kidneys that gain 60 HU in a body of soft tissue with a spine."""
    shape = (20, 40, 60)
    before = np.full(shape, 40.0, np.float32)
    before[:, 25:33, 26:34] = 400.0
    kidneys = np.zeros(shape, np.uint8)
    kidneys[5:16, 18:30, 8:18], kidneys[5:16, 18:30, 42:52] = 1, 2
    after = before + np.where(kidneys > 0, 60.0, 0.0).astype(np.float32)
    images = [sitk.GetImageFromArray(array) for array in (before, after, kidneys)]
    for image in images:
        image.SetSpacing((3.0, 3.0, 4.0))
    return images


def test_the_numbers_of_the_settings_are_told_in_the_units_of_the_model(phases: list[sitk.Image]) -> None:
    settings = SynthesisSettings(
        excretory_delay_s=480.0, nephrographic_delay_s=100.0, weight_kg=80.0, iodine_g=35.0, egfr_ml_min=70.0
    )
    found = estimate_enhancement(*phases, settings)
    observed = tissue_enhancement(*phases)
    assert observed.kidney == pytest.approx(60.0, abs=1)
    assert found.estimate == estimate(observed, Told(480.0, 100.0, 80.0, 35000.0, 70.0))
    unknown = estimate_enhancement(*phases, SynthesisSettings())
    assert unknown.estimate.sd_hu["cortex"] > found.estimate.sd_hu["cortex"]


def test_the_estimate_is_json_that_says_how_it_was_made() -> None:
    observed = Observed(kidney=60.04, blood=41.0)
    found = EnhancementEstimate(observed, estimate(observed, Told())).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["method"] == "estimate by a kinetic model"
    assert found["cortex"].keys() == found["medulla"].keys() == {"mean_hu", "sd_hu"}
    assert found["measured_excretory"]["kidney"] == 60.0
    assert found["measured_excretory"]["liver"] is None
