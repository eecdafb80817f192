from __future__ import annotations

import torch

from NephroSynthLib.networks.growing_gan import GrowingDiscriminator, GrowingGenerator

WIDTHS = (8, 6, 4)


def test_a_level_fades_in_linearly() -> None:
    torch.manual_seed(0)
    generator, latents = GrowingGenerator(5, WIDTHS), torch.randn(2, 5)
    images = {}
    for grown in (0.0, 0.25, 1.0, 2.0):
        generator.grown = grown
        images[grown] = generator(latents).detach()
        assert images[grown].shape == (2, 1, 1, 16, 16)
    torch.testing.assert_close(images[0.25], 0.75 * images[0.0] + 0.25 * images[1.0])
    coarse = images[0.0].unflatten(3, (4, 4)).unflatten(5, (4, 4))
    assert (coarse == coarse[:, :, :, :, :1, :, :1]).all()  # 4 x 4 pixels, enlarged
    assert GrowingGenerator(5, WIDTHS).grown == 2.0


def test_the_discriminator_sees_no_more_than_its_size() -> None:
    torch.manual_seed(0)
    discriminator, images = GrowingDiscriminator(WIDTHS), torch.randn(3, 1, 1, 16, 16)
    mean = images.unflatten(3, (4, 4)).unflatten(5, (4, 4)).mean((4, 6), keepdim=True)
    blurred = mean.expand(-1, -1, -1, 4, 4, 4, 4).flatten(5, 6).flatten(3, 4)
    scores = {}
    for grown in (0.0, 1e-6, 2.0):
        discriminator.grown = grown
        scores[grown] = discriminator(images).detach()
        same = torch.allclose(discriminator(blurred), scores[grown], atol=1e-5)
        assert same == (grown < 0.5)
    torch.testing.assert_close(scores[0.0], scores[1e-6], atol=1e-4, rtol=1e-4)  # a level begins without a jump
