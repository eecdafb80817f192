from __future__ import annotations

import pytest
import torch
from torch import nn

from NephroSynthLib.networks.patch_gan import PatchGAN


@pytest.mark.parametrize(("flat", "shape", "patch"), [(True, (3, 160, 160), (1, 70, 70)),
                                                      (False, (96, 96, 96), (37, 70, 70))])  # fmt: skip
def test_a_logit_judges_a_patch(flat: bool, shape: tuple[int, int, int], patch: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    network = PatchGAN(1, flat=flat, channels=2)
    for index, layer in enumerate(network.rest):
        if isinstance(layer, nn.InstanceNorm3d):  # it sees the whole image
            network.rest[index] = nn.Identity()
    image = torch.randn(1, 1, *shape, requires_grad=True)
    logits = network(image)
    logits[0, 0][tuple(n // 2 for n in logits.shape[2:])].backward()
    assert image.grad is not None
    seen = image.grad[0, 0].nonzero()
    assert tuple((seen.max(0).values - seen.min(0).values + 1).tolist()) == patch


def test_only_a_timed_one_listens_to_the_time() -> None:
    image, t = torch.randn(2, 1, 1, 32, 32), torch.tensor([10.0, 900.0])
    for timed in (True, False):
        network = PatchGAN(1, flat=True, timed=timed)
        assert (network(image, t) - network(image, t.flip(0))).abs().max().gt(1e-6) == timed
