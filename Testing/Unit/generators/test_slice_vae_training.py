from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY

from NephroSynthLib.generators import slice_vae
from NephroSynthLib.generators.slice_vae import SliceVae
from NephroSynthLib.methods.method import TrainingPlan

SD = 0.05


def test_the_loss_is_the_evidence_bound_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_vae, "DEPTH", 2)
    torch.manual_seed(0)
    network = SliceVae.build(TINY)
    module = SliceVae(TINY, network).training_module(TrainingPlan(1))
    volumes = torch.randn(3, 1, 2, 16, 16)
    torch.manual_seed(1)
    found = module.training_step({"image": volumes}, 0)

    slices = volumes[:, 0].flatten(0, 1)[:, None, None]
    mean, log_variance = network.encode(slices)
    posterior = Normal(mean, (log_variance / 2).exp())
    torch.manual_seed(1)
    code = posterior.rsample()
    seen = Normal(network.decode(code), SD).log_prob(slices) - Normal(0.0, SD).log_prob(torch.tensor(0.0))
    bound = seen.flatten(1).sum(1) - kl_divergence(posterior, Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(found, -bound.mean() / 16**2, rtol=1e-4, atol=1e-5)
    # The series follow the codes of each volume, slice by slice.
    codes = mean.detach().unflatten(0, (3, 2)).transpose(1, 2)
    torch.testing.assert_close(network.series, 0.02 * codes.mean(0))
    torch.testing.assert_close(
        network.products, 0.98 * torch.eye(2) + 0.02 * torch.einsum("blt,bls->lts", codes, codes) / 3
    )
