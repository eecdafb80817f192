"""Prints the synthesizer's error at each noise level and number of steps, its samples' calibration, its tiles' effect.

    python Testing/Benchmarks/denoising.py runs/synthesis/held-out [--model NAME] [--tables times steps samples tiles]

The folder holds cases that `nephrosynth train synthesis` keeps for judging. A crop of 24 x 64 x 64 voxels lies around
the middle of each kidney. All errors are in HU within the window 400/50, against the noise-free truth.

- times: the model is told the true enhancement, so the errors are those of the image, without the offset of an exam.
  Beside them is the variational bound with the learned variance and with the fixed one of the posterior.
- steps: one sample, told the true enhancement.
- samples: as in a run, with the estimate of each exam's enhancement, so that the offset of the exam is included.
- tiles: takes whole cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from NephroSynthLib import options
from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.losses import variational_bound
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.window import WIDTH_HU, from_window, to_window
from NephroSynthLib.kinetics.posterior import Estimate
from NephroSynthLib.methods import tiled_sampling
from NephroSynthLib.methods.condition import condition_channels, exam_context
from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.methods.method import Case, Contrast
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.enhancement_estimate import estimate_enhancement
from NephroSynthLib.synthesis.exam_contrast import likely_contrast, spread_contrasts
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.synthesis.sample_deviation import pooled_deviation

TIMES = (1, 50, 200, 400, 600, 800, 950, 1000)
STEPS = (1, 4, 12, 50)
GRAIN_BANDS = ((0.05, 0.15), (0.15, 0.25), (0.25, 0.5))
"""Limits of spatial frequency, in cycles for each mm, in which the power of the grain is compared."""
TABLES = ("times", "steps", "samples", "tiles")
MEMORY = {
    "whole": 10**12,
    "cap of a GPU": tiled_sampling.MOST_BYTES["cuda"],
    "cap of a CPU": tiled_sampling.MOST_BYTES["cpu"],
    "smallest tiles": 1,
}
"""Bytes of a tile."""


class Crop(NamedTuple):
    """A part of a held-out case: its phases, the true window of the nephrographic phase in HU, and the kidneys."""

    exam: str
    case: Case
    truth: NDArray[np.float32]
    kidneys: NDArray[np.bool_]


def main() -> None:
    """Prints three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--model", default=options.SYNTHESIS_MODEL.default)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--crops", type=int, default=64, help="the most crops, for a quick look")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    arguments = parser.parse_args()
    method = DsSnict.restore(load_bundle(arguments.model), "cpu")
    paths = sorted(arguments.cases.glob("*.npz"))
    crops = [crop for path in paths for crop in _crops(path, method.crop)][: arguments.crops]
    print(f"{len(crops)} crops around kidneys of {arguments.cases}\n")
    if "times" in arguments.tables:
        _print_times(method, crops)
    if "steps" in arguments.tables:
        _print_steps(method, crops)
    if "samples" in arguments.tables:
        _print_samples(method, paths, crops, arguments.samples)
    if "tiles" in arguments.tables:
        for path in paths:
            _print_tiles(method, path)


def _crops(path: Path, size: tuple[int, int, int]) -> Iterator[Crop]:
    with np.load(path) as arrays:
        hu = {name: arrays[name].astype(np.float32) for name in ("noncontrast", "excretory", "nephrographic")}
        kidneys, contrast = arrays["kidneys"], arrays["contrast"]
    for side in np.unique(kidneys[kidneys > 0]):
        middle = np.argwhere(kidneys == side).mean(axis=0)
        starts = [
            int(np.clip(m - n / 2, 0, length - n)) for m, n, length in zip(middle, size, kidneys.shape, strict=True)
        ]
        part = tuple(slice(start, start + n) for start, n in zip(starts, size, strict=True))
        phases = hu["noncontrast"][part], hu["excretory"][part]
        case = Case(*phases, WORKING_SPACING, Contrast(contrast[1], contrast[0]))
        yield Crop(path.stem, case, from_window(to_window(hu["nephrographic"][part])), kidneys[part] > 0)


def _print_times(method: DsSnict, crops: list[Crop]) -> None:
    process = method.denoiser.process
    print("   t  noise in x_t (HU)  error of the answer in the kidneys (HU)  bound: learned, fixed variance (nats)")
    for t in TIMES:
        generator, when = torch.Generator().manual_seed(t), torch.tensor([t])
        errors, bounds = [], []
        for crop in crops:
            clean = torch.from_numpy(to_window(crop.truth))[None, None]
            noisy = process.add_noise(clean, torch.randn(clean.shape, generator=generator), when)
            with torch.inference_mode():
                answer = method.denoiser(noisy, when, *_inputs(crop.case))
            errors.append(_error(from_window(answer.clean[0, 0].clamp(-1, 1).numpy()), crop))
            learned = answer.log_variance_fraction
            assert learned is not None
            inside = torch.from_numpy(crop.kidneys)[None, None]
            bounds.append(
                [
                    float(variational_bound(process, clean, noisy, when, Prediction(answer.clean, v))[inside].mean())
                    for v in (learned, torch.zeros_like(learned))
                ]
            )
        sigma = float(process.sigma(t) / process.alpha(t).clamp(min=1e-4)) * WIDTH_HU / 2
        learned_bound, fixed = np.mean(bounds, axis=0)
        print(f"{t:4}  {sigma:17.1f}  {np.mean(errors):39.1f}  {learned_bound:14.5f}, {fixed:.5f}", flush=True)
    print()


def _print_steps(method: DsSnict, crops: list[Crop]) -> None:
    print("steps  PSNR (dB)  error in the kidneys (HU)")
    for steps in STEPS:
        hu = [method.translate(crop.case, SynthesisSettings(steps=steps), 0, Progress()) for crop in crops]
        mse = [float(np.mean((one - crop.truth) ** 2)) for one, crop in zip(hu, crops, strict=True)]
        errors = [_error(one, crop) for one, crop in zip(hu, crops, strict=True)]
        print(f"{steps:5}  {np.mean([psnr_db(m, WIDTH_HU) for m in mse]):9.2f}  {np.mean(errors):6.1f}", flush=True)
    print()


def _print_samples(method: DsSnict, paths: list[Path], crops: list[Crop], count: int) -> None:
    settings = SynthesisSettings(samples=count)
    print(f"{count} samples of {settings.denoising_steps} steps, in the kidneys; n = {len(crops)} crops")
    print("exam    mean error (HU)  error (RMS)  deviation told  within 2 SD  grain power / CT noise by frequency")
    shares, grains = [], []
    estimates = {path.stem: _estimate(path) for path in paths if path.stem in {crop.exam for crop in crops}}
    for crop in crops:
        found = estimates[crop.exam]
        contrasts = spread_contrasts(found, count, np.random.default_rng(0))
        drawn = np.stack(
            [
                method.translate(replace(crop.case, contrast=one), settings, seed, Progress())
                for seed, one in enumerate(contrasts)
            ]
        )
        mean = method.translate(replace(crop.case, contrast=likely_contrast(found)), SynthesisSettings(), 0, Progress())
        deviation = pooled_deviation(drawn, WORKING_SPACING)[crop.kidneys]
        error = (mean - crop.truth)[crop.kidneys]
        shares.append(float(np.mean(np.abs(error) < 2 * deviation)))
        grains.append(_grain_power(drawn[0] - mean, crop.kidneys) / _grain_power(crop.case.noncontrast, crop.kidneys))
        bands = ", ".join(f"{ratio:.2f}" for ratio in grains[-1])
        rms = [float(np.sqrt(np.mean(values**2))) for values in (error, deviation)]
        print(
            f"{crop.exam}  {error.mean():15.1f}  {rms[0]:11.1f}  {rms[1]:14.1f}  {shares[-1]:11.0%}  {bands}",
            flush=True,
        )
    means = ", ".join(f"{ratio:.2f}" for ratio in np.mean(grains, axis=0))
    print(f"mean of the crops: {np.mean(shares):.1%} within 2 SD; grain {means}")


def _estimate(path: Path) -> Estimate:
    """Returns the estimated enhancement of a whole case, with nothing told."""
    with np.load(path) as arrays:
        images = [sitk.GetImageFromArray(arrays[name]) for name in ("noncontrast", "excretory", "kidneys")]
    for image in images:
        image.SetSpacing(WORKING_SPACING)
    return estimate_enhancement(*images, SynthesisSettings()).estimate


def _grain_power(hu: NDArray[np.float32], kidneys: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns the power of the in-plane grain of a volume within the kidneys, in each of the `GRAIN_BANDS`.

    The border of the kidneys is left out, and the mean of the voxels is taken off.
    """
    inside = ndimage.binary_erosion(kidneys, iterations=3)
    grain = np.where(inside, hu - ndimage.median_filter(hu, (1, 9, 9)), 0)
    power = np.abs(np.fft.fft2(grain)) ** 2
    frequency = np.hypot(np.fft.fftfreq(hu.shape[1])[:, None], np.fft.fftfreq(hu.shape[2]))
    return np.array([power[:, (frequency >= low) & (frequency < high)].mean() for low, high in GRAIN_BANDS])


def _print_tiles(method: DsSnict, path: Path) -> None:
    with np.load(path) as arrays:
        phases = arrays["noncontrast"].astype(np.float32), arrays["excretory"].astype(np.float32)
        kidneys, contrast = arrays["kidneys"] > 0, arrays["contrast"]
    case = Case(*phases, WORKING_SPACING, Contrast(contrast[1], contrast[0]))
    print(f"\ncase {path.stem}: {' x '.join(map(str, kidneys.shape))} voxels")
    print("memory of a tile  tiles  kidney HU  largest difference from the whole (HU)")
    whole = None
    for name, most in MEMORY.items():
        events: list[ProgressEvent] = []
        with patch.dict(tiled_sampling.MOST_BYTES, cpu=most):
            hu = method.translate(case, SynthesisSettings(), 0, Progress(events.append))
        whole = hu if whole is None else whole
        difference = np.abs(hu - whole).max()
        print(f"{name:16}  {len(events):5}  {hu[kidneys].mean():9.2f}  {difference:.2f}", flush=True)


def _error(hu: NDArray[np.float32], crop: Crop) -> float:
    return float(np.abs(hu - crop.truth)[crop.kidneys].mean())


def _inputs(case: Case) -> tuple[Tensor, Tensor]:
    """Returns condition and context of a case, as the network takes them."""
    return torch.from_numpy(condition_channels(case))[None], torch.from_numpy(exam_context(case.contrast))[None]


if __name__ == "__main__":
    main()
