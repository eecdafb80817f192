"""Prints how well the registration finds the kidneys of held-out simulated exams.

The masks that stage 2 gets are the true ones, roughened to the quality of a segmenter (Dice about 0.92). TRE is the
mean distance between the transform and the true displacement over both kidneys.

    python Testing/Benchmarks/registration_tre.py --count 10
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.exam.simulated_images import to_image, to_images
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.options import RegistrationMode
from NephroSynthLib.registration import Registration, register
from NephroSynthLib.settings import RegistrationSettings
from NephroSynthLib.simulation import SimulatedExam, simulate

FIRST_SEED = 900_000


@dataclass
class Row:
    """Figures of one exam."""

    seed: int
    tre_mm: dict[str, float] = field(default_factory=dict)
    registration: Registration | None = None
    seconds: float = 0.0
    mask_dice: float = 0.0
    ssim_truth: float = 0.0


def roughened(labels: NDArray[np.uint8], spacing: tuple[float, float, float], seed: int) -> NDArray[np.uint8]:
    """Returns a label map (z, y, x) whose borders wander by some millimetres, as those of a segmenter do."""
    rng = np.random.default_rng(seed)
    steps = np.array(spacing[::-1])
    rough = np.zeros_like(labels)
    for label in SIDES.values():
        mask = labels == label
        if not mask.any():
            continue
        signed = ndimage.distance_transform_edt(~mask, steps) - ndimage.distance_transform_edt(mask, steps)
        wander = ndimage.gaussian_filter(rng.normal(size=mask.shape), 6.0 / steps)
        wander *= 2.4 / wander.std()
        rough[ndimage.gaussian_filter(signed + wander, 1.5 / steps) < rng.normal(0, 0.6)] = label
    return rough


def kidney_tre(transform: sitk.Transform, exam: SimulatedExam) -> float:
    """Returns the mean distance in mm between the transform and the truth over the kidneys of the reference."""
    excretory = exam.phases["excretory"]
    indices = np.argwhere(exam.kidneys > 0)[::37]
    points = exam.reference.to_points(indices)
    z, y, x = indices.T
    truth = points + excretory.displacement[:, z, y, x].T
    found = np.array([transform.TransformPoint(point.tolist()) for point in points])
    return float(np.linalg.norm(found - truth, axis=1).mean())


def measure(seed: int) -> Row:
    """Simulates one exam and registers its excretory phase."""
    exam = simulate(seed)
    images, row = to_images(exam), Row(seed)
    excretory = exam.phases["excretory"]
    rough = roughened(exam.kidneys, exam.reference.spacing, seed)
    row.mask_dice = dice(rough > 0, exam.kidneys > 0)
    fixed_kidneys = to_image(rough, exam.reference)
    moving_kidneys = to_image(roughened(excretory.kidneys, excretory.grid.spacing, seed + 1), excretory.grid)
    modes: tuple[RegistrationMode, ...] = ("none", "affine", "two-stage")
    for mode in modes:
        start = time.perf_counter()
        row.registration = register(
            images["noncontrast"], images["excretory"], fixed_kidneys, moving_kidneys, RegistrationSettings(mode=mode)
        )
        row.seconds = time.perf_counter() - start
        row.tre_mm[mode] = kidney_tre(row.registration.transform, exam)
    return row


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="number of exams")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    options = parser.parse_args()
    print("  seed   Dice of   TRE mm  TRE mm  TRE mm     SSIM    SSIM    SSIM  least   time   mode")
    print("         masks in  before  affine  two-stage  before  affine  after Jacobian  s")
    rows = []
    for seed in range(options.first_seed, options.first_seed + options.count):
        row = measure(seed)
        rows.append(row)
        assert row.registration is not None
        quality = row.registration.quality
        print(
            f"{row.seed:7d} {row.mask_dice:8.3f} {row.tre_mm['none']:8.2f} {row.tre_mm['affine']:7.2f} "
            f"{row.tre_mm['two-stage']:8.2f} {quality.ssim_before:10.3f} {quality.ssim_affine:7.3f} "
            f"{quality.ssim_after:7.3f} {quality.min_jacobian:6.2f} {row.seconds:7.1f}   {row.registration.mode}"
            f" {'; '.join(row.registration.warnings)}",
            flush=True,
        )
    tre = np.array([row.tre_mm["two-stage"] for row in rows])
    print(f"two-stage TRE: mean {tre.mean():.2f} mm, median {np.median(tre):.2f} mm, worst {tre.max():.2f} mm")


if __name__ == "__main__":
    main()
