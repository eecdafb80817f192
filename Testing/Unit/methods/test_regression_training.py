from __future__ import annotations

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.regression_training import RegressionTraining
from NephroSynthLib.networks.translator import Translator
from NephroSynthLib.networks.unet import unet


def test_the_loss_is_the_mean_absolute_error_where_the_weight_is() -> None:
    translator = Translator(unet(flat=True, image_channels=0, condition_channels=1, context_features=2))
    image = torch.randn(2, 1, 2, 8, 8)
    weight = torch.zeros_like(image)
    weight[..., :4] = 2.0
    batch = {"image": image, "condition": image, "context": torch.zeros(2, 2), "weight": weight}
    module = RegressionTraining(translator, TrainingPlan(1))
    expected = image[..., :4].abs().mean()  # a new network gives zero
    torch.testing.assert_close(module.training_step(batch, 0), expected)
    torch.testing.assert_close(module.validation_loss(batch), expected)
