from __future__ import annotations

import torch
import torch.nn.functional as F

from NephroSynthLib.networks.styled_gan import ModulatedConv, ResidualDiscriminator, StyleGenerator

WIDTHS = (8, 6, 4)


def test_a_style_modulates_the_weights_of_its_own_sample() -> None:
    torch.manual_seed(0)
    conv, x, styles = ModulatedConv(3, 5, 4), torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    weights = conv.weights(styles)
    torch.testing.assert_close(weights.square().sum((2, 3, 4)), torch.ones(2, 5), atol=1e-4, rtol=0)  # eq. 3
    scaled = conv.weight * conv.affine(styles)[:, None, :, None, None]  # eq. 1
    torch.testing.assert_close(F.normalize(scaled.flatten(2), dim=2), F.normalize(weights.flatten(2), dim=2))
    alone = torch.cat([F.conv2d(x[i : i + 1], weights[i], padding=1) for i in range(2)])
    torch.testing.assert_close(conv(x, styles), alone)


def test_latents_become_slices_and_slices_logits() -> None:
    torch.manual_seed(0)
    generator = StyleGenerator(5, WIDTHS)
    latents = torch.randn(3, 5)
    images = generator(latents)
    assert images.shape == (3, 1, 1, 16, 16)
    torch.testing.assert_close(generator(7 * latents), images)  # latents lie on a sphere
    assert ResidualDiscriminator(WIDTHS)(images).shape == (3, 1)
