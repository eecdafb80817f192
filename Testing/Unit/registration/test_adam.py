"""Adam takes the steps of torch's Adam, at rates that change."""

from __future__ import annotations

import torch

from NephroSynthLib.registration.adam import Adam


def test_it_steps_as_that_of_torch_does() -> None:
    torch.manual_seed(0)
    start, target = torch.randn(3, 4), torch.randn(3, 4)
    ours, theirs = start.clone(), start.clone().requires_grad_()
    optimizer, reference = Adam(ours), torch.optim.Adam([theirs])
    for step in range(20):
        rate = 0.2 / (1 + step)
        optimizer.step(4 * (ours - target) ** 3, rate)
        reference.param_groups[0]["lr"] = rate
        reference.zero_grad()
        ((theirs - target) ** 4).sum().backward()
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert (ours - target).abs().mean() < (start - target).abs().mean()
