"""Prints the table of the held-out exams: registration, segmentation and synthesis on simulated exams never trained on.

    python Testing/Benchmarks/held_out.py [--exams 10] [--first-seed 900000]

Everything runs as `nephrosynth run` does, on the exam as acquired; the truth that only a simulation has is the judge.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import box_around
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.imaging.ssim import ssim_map
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, WIDTH_HU
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.pipeline import run
from NephroSynthLib.settings import Settings, SynthesisSettings
from NephroSynthLib.simulation.simulated_exam import SimulatedExam, simulate
from NephroSynthLib.synthesis.nephrographic import synthesize

TOLD: dict[str, tuple[str, ...]] = {
    "synthetic": (),
    "told delay": ("excretory_delay_s",),
    "told delay, weight, dose": ("excretory_delay_s", "weight_kg", "iodine_g"),
}
"""The synthetic phases, and the numbers that each is told (`--excretory-delay`, `--weight`, `--iodine`)."""


@dataclass(frozen=True)
class Figures:
    """Quality of one volume, in the window 400/50: around the kidneys by PSNR and SSIM, and by its errors inside them.

    Attributes:
        psnr_db: PSNR over the box around the kidneys.
        ssim: Mean SSIM over this box.
        mae_hu: Mean absolute error inside the kidneys.
        offset_hu: Mean error there; in a mean over exams, its mean size.
        structure_hu: Mean absolute error there without the offset: texture and anatomy.
    """

    psnr_db: float
    ssim: float
    mae_hu: float
    offset_hu: float
    structure_hu: float


@dataclass(frozen=True)
class Run:
    """The stages before the synthesis in one exam."""

    seconds: float
    tre_mm: float
    dice_noncontrast: float
    dice_excretory: float


def measure(seed: int) -> tuple[Run, dict[str, Figures]]:
    """Runs one exam and compares the result with its truth."""
    exam = simulate(seed)
    phases = {name: to_image(phase.hu, phase.grid) for name, phase in exam.phases.items()}
    start = time.perf_counter()
    result = run(Exam(phases["noncontrast"], phases["excretory"], None, None, ()), Settings())
    seconds = time.perf_counter() - start
    found = (result.segmentation.labels, result.excretory_segmentation.labels)
    truths = (exam.kidneys, exam.phases["excretory"].kidneys)
    aligned = result.registration.registered
    kinetics = exam.kinetics
    known = {
        "excretory_delay_s": kinetics.excretory_s,
        "weight_kg": kinetics.weight_kg,
        "iodine_g": kinetics.iodine_mg / 1000,
    }
    volumes = {"aligned excretory": aligned, "baseline": kinetic_baseline(phases["noncontrast"], aligned)}
    for label, names in TOLD.items():
        told = SynthesisSettings(**{name: known[name] for name in names})
        volumes[label] = (
            synthesize(phases["noncontrast"], aligned, found[0], told).image if names else result.synthesis.image
        )
    overlaps = [
        _mean_dice(sitk.GetArrayViewFromImage(labels), truth) for labels, truth in zip(found, truths, strict=True)
    ]
    figures = {label: _figures(exam, sitk.GetArrayViewFromImage(image)) for label, image in volumes.items()}
    return Run(seconds, _tre(exam, result.registration.transform), *overlaps), figures


def _figures(exam: SimulatedExam, hu: NDArray[np.number]) -> Figures:
    kidneys = exam.kidneys > 0
    part = box_around(kidneys, exam.reference.spacing, 20.0).slices
    clipped = [np.clip(values[part], LOWER_HU, UPPER_HU) for values in (hu, exam.nephrographic_truth)]
    error = clipped[0] - clipped[1]
    inside = error[kidneys[part]]
    return Figures(
        psnr_db(float(np.mean(error**2)), WIDTH_HU),
        float(ssim_map(*clipped, WIDTH_HU).mean()),
        float(np.abs(inside).mean()),
        float(inside.mean()),
        float(np.abs(inside - inside.mean()).mean()),
    )


def _mean_dice(found: NDArray[np.number], truth: NDArray[np.number]) -> float:
    """Returns the mean Dice over the sides of the truth; a kidney labelled with the wrong side counts as missed."""
    sides = [side for side in SIDES.values() if (truth == side).any()]
    return float(np.mean([dice(found == side, truth == side) for side in sides]))


def _tre(exam: SimulatedExam, transform: sitk.Transform, points: int = 2000) -> float:
    """Returns the mean distance (mm) between the transform and the truth at random points of both kidneys."""
    rng = np.random.default_rng(0)
    voxels = np.argwhere(exam.kidneys > 0)
    chosen = voxels[rng.choice(len(voxels), min(points, len(voxels)), replace=False)]
    start = exam.reference.to_points(chosen)
    true = start + exam.phases["excretory"].displacement[(slice(None), *chosen.T)].T
    carried = np.array([transform.TransformPoint(point.tolist()) for point in start])
    return float(np.linalg.norm(carried - true, axis=1).mean())


def main() -> None:
    """Prints a table for each exam, then means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exams", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=900_000)
    given = parser.parse_args()
    runs, quality = [], []
    for seed in range(given.first_seed, given.first_seed + given.exams):
        exam, figures = measure(seed)
        runs.append(astuple(exam))
        quality.append([astuple(one) for one in figures.values()])
        _print(str(seed), runs[-1], list(figures), quality[-1])
    table = np.array(quality)  # (exam, volume, figure)
    columns = [field.name for field in fields(Figures)]
    table[..., columns.index("offset_hu")] = np.abs(table[..., columns.index("offset_hu")])
    mean = table.mean(axis=0)
    _print(f"mean of {len(runs)}", np.mean(runs, axis=0), list(figures), mean)
    psnr, mae = columns.index("psnr_db"), columns.index("mae_hu")
    baseline = mean[list(figures).index("baseline")]
    for label in TOLD:
        one = mean[list(figures).index(label)]
        print(
            f"{label} against baseline: {one[psnr] - baseline[psnr]:+.2f} dB PSNR, "
            f"{100 * (one[mae] / baseline[mae] - 1):+.0f} % MAE inside the kidneys"
        )


def _print(title: str, run: Sequence[float], labels: list[str], figures: Sequence[Sequence[float]]) -> None:
    names = zip((field.name for field in fields(Run)), run, strict=True)
    print(f"\n{title}: " + ", ".join(f"{name} {value:.2f}" for name, value in names))
    columns = [field.name for field in fields(Figures)]
    print(f"{'':26}" + "".join(f"{name:>14}" for name in columns))
    for label, values in zip(labels, figures, strict=True):
        print(f"{label:26}" + "".join(f"{value:14.3f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
