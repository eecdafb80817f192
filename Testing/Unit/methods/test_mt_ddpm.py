from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import example, walk

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.losses import variational_bound
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.mt_ddpm import GAMMA, MtDdpm
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser


def test_it_learns_and_comes_back_from_its_bundle(tmp_path: Path) -> None:
    walk(MtDdpm, tmp_path, steps=8, share=0.97)


def test_its_settings_are_those_of_the_paper() -> None:
    diffusion = MtDdpm.default.diffusion
    assert (diffusion.schedule, diffusion.steps, diffusion.parameterization) == ("linear", 4000, "noise")
    assert diffusion.learned_variance
    module = MtDdpm.untrained().training_module(TrainingPlan(1))
    assert (module.distance, module.vlb_weight, GAMMA) == ("l2", 0.01, 0.01)


def test_each_slice_is_denoised_on_its_own() -> None:
    torch.manual_seed(0)
    network = SwinDenoiser(MtDdpm.default.network)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    config, order = network.config, torch.tensor([2, 0, 1])
    x, condition = (torch.randn(1, n, 3, 16, 16) for n in (config.image_channels, config.condition_channels))
    more = torch.tensor([500.0]), condition, torch.zeros(1, config.context_features)
    with torch.no_grad():
        torch.testing.assert_close(
            network(x[:, :, order], more[0], condition[:, :, order], more[2]), network(x, *more)[:, :, order],
            atol=1e-5, rtol=1e-4,
        )  # fmt: skip


@pytest.mark.parametrize("step", [2, 8, 800, 4000])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_its_variance_and_bound_are_those_of_nichol_and_dhariwal(step: int, fraction: float) -> None:
    """Equations 15 and 16 of MT-DDPM and the divergence of Gaussians, written out for one voxel in plain numbers."""
    process = MtDdpm.default.diffusion.wrap(nn.Identity()).process
    bar, before = (float(process.alpha(t)) ** 2 for t in (step, step - 1))
    beta = 1 - bar / before
    tilde = (1 - before) / (1 - bar) * beta
    variance = math.exp(fraction * math.log(beta) + (1 - fraction) * math.log(tilde))
    x0, noise, guess = 0.3, -0.7, 0.1
    x_t = math.sqrt(bar) * x0 + math.sqrt(1 - bar) * noise
    mean = (x_t - beta / math.sqrt(1 - bar) * guess) / math.sqrt(1 - beta)
    true = (x_t - beta / math.sqrt(1 - bar) * noise) / math.sqrt(1 - beta)
    divergence = 0.5 * (math.log(variance / tilde) - 1 + tilde / variance + (mean - true) ** 2 / variance)

    volume = torch.ones(1, 1, 1, 1, 1, dtype=torch.float64)
    t = torch.tensor([step])
    clean = (x_t - math.sqrt(1 - bar) * guess) / math.sqrt(bar)
    found = process.log_variance(t, t - 1, fraction * volume)
    bound = variational_bound(process, x0 * volume, x_t * volume, t, Prediction(clean * volume, fraction * volume))
    assert float(found.exp()) == pytest.approx(variance, rel=1e-6)
    assert float(bound) == pytest.approx(divergence, rel=1e-4, abs=1e-9)


def test_its_example_is_of_the_window() -> None:
    assert abs(MtDdpm.sample_of(example())["image"]).max() <= 1
