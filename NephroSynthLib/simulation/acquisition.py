"""The scanner: reconstruction kernel, correlated noise, and slow errors of attenuation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.splines import smooth_noise


@dataclass(frozen=True)
class Protocol:
    """The acquisition of one phase.

    Attributes:
        grid: Its voxels.
        thickness_mm: Slice thickness.
        blur_mm: Standard deviation of the in-plane point spread of a soft kernel.
        enhancement: Overshoot of a sharp kernel, 0 none.
        noise_hu: Standard deviation of the noise in the middle of the body.
        noise_peak: Frequency in 1/mm at which the noise power peaks.
        streaks: Strength of horizontal streaks, 0 none.
        bias_hu: Amplitude of slow errors as from beam hardening, 0 none.
        offset_hu: Calibration error.
    """

    grid: Grid
    thickness_mm: float
    blur_mm: float
    enhancement: float
    noise_hu: float
    noise_peak: float
    streaks: float
    bias_hu: float
    offset_hu: float


def draw_protocol(rng: np.random.Generator, grid: Grid) -> Protocol:
    """Draws kernel, noise and artefacts for a phase on a given grid."""
    sharpness = float(rng.random())
    spacing_z = grid.spacing[2]
    return Protocol(
        grid=grid,
        thickness_mm=spacing_z * float(rng.choice([1.0, 1.0, 1.25, 1.5])) if spacing_z < 4 else spacing_z,
        blur_mm=0.85 - 0.5 * sharpness,
        enhancement=float(rng.uniform(0, 0.6)) * max(0.0, sharpness - 0.4),
        noise_hu=float(np.exp(rng.uniform(np.log(6), np.log(35)))),
        noise_peak=0.12 + 0.22 * sharpness,
        streaks=float(rng.uniform(0.5, 2.5)) if rng.random() < 0.25 else 0.0,
        bias_hu=float(rng.uniform(1, 5)) if rng.random() < 0.35 else 0.0,
        offset_hu=float(rng.normal(0, 2)),
    )


def noise_spectrum(grid: Grid, protocol: Protocol) -> Tensor:
    """Returns the square root of the noise power spectrum (z, y, x // 2 + 1) at the frequencies of `torch.fft.rfftn`.

    Ramp times apodization in plane, as filtered back projection leaves it (Riederer, Pelc and Chesler, Phys Med Biol
    1978;23:446-454; Solomon et al., Med Phys 2012;39:6048), Gaussian along z from overlapping slices.
    """
    nz, ny, nx = grid.shape
    fz, fy = torch.fft.fftfreq(nz, grid.spacing[2]), torch.fft.fftfreq(ny, grid.spacing[1])
    fx = torch.fft.rfftfreq(nx, grid.spacing[0])
    radial = (fy[:, None] ** 2 + fx[None, :] ** 2).sqrt()
    # f exp(-(f / peak)^2 / 2) peaks at `peak`; a floor keeps the low frequencies that iterative reconstructions have.
    plane = (0.15 * protocol.noise_peak + radial) * torch.exp(-0.5 * (radial / protocol.noise_peak) ** 2)
    if protocol.streaks:
        horizontal = torch.exp(-((fx[None, :] / 0.03) ** 2)) * (fy[:, None].abs() > 0.02)
        plane = plane * (1.0 + protocol.streaks * horizontal)
    along = torch.exp(-2.0 * (np.pi * fz * protocol.thickness_mm * 0.35) ** 2)
    return along[:, None, None] * plane[None]


def correlated_noise(rng: np.random.Generator, protocol: Protocol) -> Tensor:
    """Returns stationary noise (z, y, x), zero mean and unit deviation, with the protocol's power spectrum."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    white = torch.randn(protocol.grid.shape, generator=generator)
    shaped = torch.fft.irfftn(torch.fft.rfftn(white) * noise_spectrum(protocol.grid, protocol), s=protocol.grid.shape)
    return shaped / shaped.std().clamp(min=1e-6)


def _gaussian(volume: Tensor, sigma: tuple[float, float]) -> Tensor:
    """Blurs (z, y, x) in plane with standard deviations (y, x) in voxels; the ends lose nothing."""
    along_y, along_x = (_gaussian_matrix(n, s) for n, s in zip(volume.shape[1:], sigma, strict=True))
    return along_y @ (volume @ along_x.T)


def _gaussian_matrix(count: int, sigma: float) -> Tensor:
    """Returns (count, count) Gaussian weights; each row sums to 1."""
    index = torch.arange(count, dtype=torch.float32)
    weights = torch.exp(-0.5 * ((index[:, None] - index[None, :]) / max(sigma, 0.05)) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)


def _tissue_and_depth(clean: Tensor, spacing: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Returns the share of tissue within 12 mm and within 35 mm of each voxel, (z, y, x) each, 0 to 1."""
    step = 4
    coarse = torch.nn.functional.avg_pool2d((clean > -500).float()[:, None], step, ceil_mode=True)[:, 0]
    near = _gaussian(coarse, (12 / spacing[0] / step, 12 / spacing[1] / step))
    wide = _gaussian(near, (35 / spacing[0] / step, 35 / spacing[1] / step))
    size = (clean.shape[1], clean.shape[2])
    near, wide = (torch.nn.functional.interpolate(v[:, None], size=size, mode="bilinear")[:, 0] for v in (near, wide))
    return near, wide


def acquire(rng: np.random.Generator, clean: Tensor, protocol: Protocol) -> Tensor:
    """Turns noise-free attenuation into the image of the scanner.

    Args:
        rng: Source of noise.
        clean: (z, y, x) HU on the protocol's grid, slice thickness already applied.
        protocol: The acquisition.

    Returns:
        (z, y, x) float32 HU, whole numbers within [-1024, 3071].
    """
    sx, sy, _ = protocol.grid.spacing
    seen = _gaussian(clean, (protocol.blur_mm / sy, protocol.blur_mm / sx))
    if protocol.enhancement:
        seen = seen + protocol.enhancement * (seen - _gaussian(seen, (1.2 / sy, 1.2 / sx)))
    axes = tuple(torch.arange(n) * s for n, s in zip(clean.shape, protocol.grid.spacing[::-1], strict=True))
    tissue, depth = _tissue_and_depth(clean, (sy, sx))
    level = 0.45 + 0.55 * depth**2
    level = level * (1.0 + 0.08 * smooth_noise(rng, (axes[0], axes[1], axes[2]), 60.0)).clamp(min=0.5)
    seen = seen + correlated_noise(rng, protocol) * (protocol.noise_hu * level)
    if protocol.bias_hu:
        seen = seen + protocol.bias_hu * smooth_noise(rng, (axes[0], axes[1], axes[2]), 70.0) * tissue
    seen = seen + protocol.offset_hu * tissue
    return seen.round_().clamp_(-1024.0, 3071.0)
