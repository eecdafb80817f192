from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import ndimage

from NephroSynthLib.errors import ModelError
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods import tiled_sampling
from NephroSynthLib.methods.condition import (
    AMPLITUDES,
    CONDITION_CHANNELS,
    CONTEXT_FEATURES,
    KIDNEY_WEIGHT,
    exam_context,
)
from NephroSynthLib.methods.dssnict import CONFIGURATION, DsSnict
from NephroSynthLib.methods.method import Case, Contrast, Example, TrainingPlan
from NephroSynthLib.models.bundle import ModelBundle, load_bundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.settings import SamplerName, SynthesisSettings

SHAPE = (6, 12, 14)
CONTRAST = Contrast(excretory=np.full(len(COMPARTMENTS), 60.0), nephrographic=np.full(len(COMPARTMENTS), 130.0))


@pytest.fixture
def case() -> Case:
    before, after = np.random.default_rng(0).normal(40, 60, (2, *SHAPE)).astype(np.float32)
    return Case(before, after, (1.0, 1.0, 2.0), CONTRAST)


@pytest.fixture
def method(small_model: Path) -> DsSnict:
    return DsSnict.restore(load_bundle(small_model), "cpu")


@pytest.mark.parametrize("sampler", get_args(SamplerName))
def test_translates_within_the_window_by_each_sampler(method: DsSnict, case: Case, sampler: SamplerName) -> None:
    settings = SynthesisSettings(sampler=sampler, steps=2)
    first, again, other = (method.translate(case, settings, seed, Progress()) for seed in (1, 1, 2))
    assert first.shape == SHAPE
    assert first.dtype == np.float32
    assert -150 <= first.min() < first.max() <= 250
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_hu_do_not_depend_on_the_voxel_size_that_the_case_has(method: DsSnict, case: Case) -> None:
    thin = dataclasses.replace(case, spacing=(0.7, 0.7, 0.7))
    thick = dataclasses.replace(case, spacing=(1.5, 1.5, 5.0))
    translated = [method.translate(one, SynthesisSettings(), 0, Progress()) for one in (thin, thick)]
    np.testing.assert_array_equal(*translated)


def test_one_step_gives_the_posterior_mean_which_no_noise_changes(method: DsSnict, case: Case) -> None:
    translated = [method.translate(case, SynthesisSettings(), seed, Progress()) for seed in (1, 2)]
    np.testing.assert_array_equal(*translated)


def test_the_image_is_linear_in_the_nephrographic_enhancement_apart_from_its_weight_as_context(
    method: DsSnict, case: Case
) -> None:
    network = method.denoiser.network
    assert isinstance(network, SwinDenoiser)
    assert network.context is not None
    network.context.weight.data[:, :AMPLITUDES] = 0
    levels = [
        dataclasses.replace(case, contrast=dataclasses.replace(CONTRAST, nephrographic=CONTRAST.nephrographic * factor))
        for factor in (0.9, 1.0, 1.1)
    ]
    low, middle, high = (method.translate(one, SynthesisSettings(), 0, Progress()) for one in levels)
    inside = (np.minimum(low, high) > -149) & (np.maximum(low, high) < 249)
    assert np.abs(high - low)[inside].max() > 1
    np.testing.assert_allclose(middle[inside], ((low + high) / 2)[inside], atol=0.05)


def test_one_volume_takes_one_step_and_samples_take_enough_to_differ() -> None:
    assert SynthesisSettings().denoising_steps == 1
    assert SynthesisSettings(samples=3).denoising_steps == 4
    assert SynthesisSettings(samples=3, steps=9).denoising_steps == 9
    assert SynthesisSettings(steps=2).denoising_steps == 2


@pytest.mark.parametrize("shape", [(80, 16, 16), (8, 16, 320)], ids=["slices", "columns"])
def test_tiles_of_the_bundled_model_agree_with_the_whole(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer at the face of a tile errs by tens of HU, so it must not count; bfloat16 rounds by half a HU."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.standard_normal((2, *shape)), (0, 1, 2, 2))
    before, after = (texture / texture.std() * 60 + np.array([20, 90])[:, None, None, None]).astype(np.float32)
    shipped = DsSnict.restore(load_bundle("nephrographic-synthesizer"), "cpu")
    case = Case(before, after, (1.0, 1.0, 2.0), CONTRAST)
    monkeypatch.setattr(tiled_sampling, "SMALLEST_TILE", tuple(np.minimum((40, 160, 160), shape)))
    whole = shipped.translate(case, SynthesisSettings(), 0, Progress())
    events: list[ProgressEvent] = []
    monkeypatch.setitem(tiled_sampling.MOST_BYTES, "cpu", 1)
    tiled = shipped.translate(case, SynthesisSettings(), 0, Progress(events.append))
    assert len(events) > 1
    assert np.abs(tiled - whole).max() < 1.0


def test_progress_ends_at_the_end(method: DsSnict, case: Case) -> None:
    events: list[ProgressEvent] = []
    method.translate(case, SynthesisSettings(steps=3), 0, Progress(events.append))
    assert [event.fraction for event in events] == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_model_that_takes_other_inputs_is_refused(small_model: Path) -> None:
    bundle = load_bundle(small_model)
    network = {**bundle.metadata.configuration["network"], "context_features": 12}  # type: ignore[dict-item]
    metadata = bundle.metadata.model_copy(
        update={"configuration": {**bundle.metadata.configuration, "network": network}}
    )
    with pytest.raises(ModelError, match="takes other inputs"):
        DsSnict.restore(ModelBundle(small_model, metadata, bundle.sha256, bundle.tensors), "cpu")


def test_an_untrained_one_follows_the_seed_and_its_configuration() -> None:
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(DsSnict.untrained().network.state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
    assert not all(torch.equal(made[0][name], made[2][name]) for name in made[0])
    network = CONFIGURATION.network
    given = network.condition_channels, network.context_features, network.amplitudes
    assert given == (CONDITION_CHANNELS, CONTEXT_FEATURES, AMPLITUDES)


def test_a_sample_holds_the_window_the_condition_the_context_and_a_weight_for_the_kidneys(case: Case) -> None:
    truth = np.linspace(-1024, 3000, np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    kidneys = np.zeros(SHAPE, np.float32)
    kidneys[2] = 1.0
    sample = DsSnict.sample_of(Example(case, truth, kidneys))
    assert {name: array.shape for name, array in sample.items()} == {
        "image": (1, *SHAPE),
        "condition": (CONDITION_CHANNELS, *SHAPE),
        "context": (CONTEXT_FEATURES,),
        "weight": (1, *SHAPE),
    }
    assert (sample["image"].min(), sample["image"].max()) == (-1, 1)
    assert set(sample["weight"][0, 2].ravel()) == {KIDNEY_WEIGHT}
    assert set(sample["weight"][0, 3].ravel()) == {1.0}
    np.testing.assert_array_equal(sample["context"], exam_context(CONTRAST))


def test_its_training_holds_the_network_that_translates(method: DsSnict) -> None:
    pytest.importorskip("lightning", reason="training needs the extra 'train'")
    module = method.training_module(TrainingPlan(steps=1))
    assert module.denoiser.network is method.network
    assert (module.distance, module.vlb_weight, module.masks) == ("l1", 0.01, False)
