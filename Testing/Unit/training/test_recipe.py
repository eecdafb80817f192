from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.training import segmentation_cases, synthesis_cases
from NephroSynthLib.training.recipe import Recipe


@pytest.fixture(params=["segmentation", "synthesis"])
def recipe(request: pytest.FixtureRequest) -> Recipe:
    if request.param == "segmentation":
        return segmentation_cases.recipe()
    return synthesis_cases.recipe(DsSnict.untrained())


def test_a_recipe_makes_the_model_that_is_shipped(recipe: Recipe) -> None:
    shipped = {"segmentation": "kidney-segmenter", "synthesis": "nephrographic-synthesizer"}
    bundle = load_bundle(shipped[recipe.task], recipe.task)
    metadata = bundle.metadata
    assert (metadata.method, metadata.window_hu) == (recipe.method, recipe.window_hu)
    assert metadata.normalization == dict(recipe.normalization)
    assert bundle.configuration(SwinDiffusion) == recipe.configuration
    assert bundle.tensors.keys() == recipe.network.state_dict().keys()


def test_the_module_trains_the_network_that_the_bundle_gets(recipe: Recipe) -> None:
    module = recipe.training_module(TrainingPlan(steps=1))
    with torch.no_grad():
        next(recipe.network.parameters()).fill_(3.0)
    trained = [parameter for parameter in module.parameters() if bool((parameter == 3.0).all())]
    assert trained
    assert len(list(module.parameters())) == len(list(recipe.network.parameters()))
