from __future__ import annotations

import torch

from NephroSynthLib.networks.wasserstein_gan import Critic, WassersteinGenerator

WIDTHS = (8, 6, 4)


def test_latents_become_slices_and_slices_scores() -> None:
    torch.manual_seed(0)
    images = WassersteinGenerator(5, WIDTHS)(torch.randn(3, 5))
    assert images.shape == (3, 1, 1, 16, 16)
    assert images.abs().max() <= 1
    assert Critic(WIDTHS)(images).shape == (3, 1)


def test_the_score_of_a_slice_does_not_depend_on_the_others() -> None:
    torch.manual_seed(0)
    critic, images = Critic(WIDTHS), torch.randn(3, 1, 1, 16, 16)
    torch.testing.assert_close(critic(images)[1:2], critic(images[1:2]))
