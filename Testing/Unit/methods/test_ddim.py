from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import translate, walk

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.process import Process, spread
from NephroSynthLib.diffusion.samplers import DDIM
from NephroSynthLib.methods.ddim import DdimImage2D, DdimImage3D, DdimNoise2D, DdimNoise3D

KINDS = [DdimImage2D, DdimImage3D, DdimNoise2D, DdimNoise3D]


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_comes_back_from_its_bundle(kind: type[DdimImage2D], tmp_path: Path) -> None:
    method = walk(kind, tmp_path, steps=16, share=0.97, rate=6e-3)
    assert np.array_equal(translate(method, seed=1), translate(method, seed=1))
    assert not np.array_equal(translate(method, seed=1), translate(method, seed=2))


def test_both_modes_train_one_network() -> None:
    image, noise = DdimImage2D.default, DdimNoise2D.default
    assert image.network == noise.network
    assert (image.diffusion.parameterization, noise.diffusion.parameterization) == ("image", "noise")


class _Perfect(nn.Module):
    """The best denoiser of normal images with a mean of its condition and a standard deviation of 0.3."""

    def __init__(self, process: Process, mode: str) -> None:
        super().__init__()
        self.process, self.mode = process, mode

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        t = (t * self.process.end / 1000).round().long()
        alpha, sigma = (spread(part, x) for part in (self.process.alpha(t), self.process.sigma(t)))
        gain = alpha * 0.3**2 / ((alpha * 0.3) ** 2 + sigma**2)
        clean = condition + gain * (x - alpha * condition)
        return clean if self.mode == "image" else (x - alpha * clean) / sigma


def test_image_and_noise_mode_give_the_same_sample_for_the_same_denoiser() -> None:
    noise = torch.randn(4, 1, 2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    condition = torch.full_like(noise, 0.4)
    samples = []
    for kind in (DdimImage2D, DdimNoise2D):
        diffusion = kind.default.diffusion
        process = diffusion.wrap(nn.Identity()).process
        denoiser = Denoiser(_Perfect(process, diffusion.parameterization), process, diffusion.parameterization)
        denoiser.raw = _exact(denoiser)  # type: ignore[method-assign]

        def denoise(x: Tensor, t: float, denoiser: Denoiser = denoiser):  # noqa: ANN202
            return denoiser(x, torch.full((len(x),), int(t)), condition)

        samples.append(DDIM(process, clean_range=None).sample(denoise, noise, 25))
    torch.testing.assert_close(samples[0], samples[1], atol=1e-6, rtol=1e-6)
    assert float(samples[0].std()) > 0.1


def _exact(denoiser: Denoiser):  # noqa: ANN202
    """The denoiser's own call of its network without rounding to float32."""

    def raw(x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None = None) -> tuple[Tensor, None]:
        return denoiser.network(x, denoiser.process.label(t), condition, context), None

    return raw
