"""Prints the table of the held-out exams: registration, segmentation and synthesis on simulated exams never trained on.

    python Testing/Benchmarks/held_out.py [--exams 10] [--first-seed 900000]

Everything runs as `nephrosynth run` does, on the exam as acquired; the truth that only a simulation has is the judge.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, fields

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.imaging.grids import box_around
from NephroSynthLib.imaging.psnr import psnr_db
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, WIDTH_HU
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.pipeline import run
from NephroSynthLib.settings import Settings, SynthesisSettings
from NephroSynthLib.simulation.simulated_exam import SimulatedExam, simulate
from NephroSynthLib.synthesis.nephrographic import synthesize


@dataclass(frozen=True)
class Row:
    """Figures of one exam; PSNR over the box around the kidneys, MAE inside them, both in the window 400/50.

    `told` is the synthetic phase when the delay of the excretory phase is given (`--excretory-delay`).
    """

    seconds: float
    tre_mm: float
    dice_noncontrast: float
    dice_excretory: float
    psnr_excretory: float
    psnr_baseline: float
    psnr_synthetic: float
    psnr_told: float
    mae_excretory: float
    mae_baseline: float
    mae_synthetic: float
    mae_told: float


def measure(seed: int) -> Row:
    """Runs one exam and compares the result with its truth."""
    exam = simulate(seed)
    phases = {name: to_image(phase.hu, phase.grid) for name, phase in exam.phases.items()}
    start = time.perf_counter()
    result = run(Exam(phases["noncontrast"], phases["excretory"], None, None, ()), Settings())
    seconds = time.perf_counter() - start
    found = (result.segmentation.labels, result.excretory_segmentation.labels)
    truths = (exam.kidneys, exam.phases["excretory"].kidneys)
    aligned = result.registration.registered
    told = SynthesisSettings(excretory_delay_s=exam.kinetics.excretory_s)
    candidates = {
        "excretory": aligned,
        "baseline": kinetic_baseline(phases["noncontrast"], aligned),
        "synthetic": result.synthesis.image,
        "told": synthesize(phases["noncontrast"], aligned, result.segmentation.labels, told).image,
    }
    figures = {name: _errors(exam, sitk.GetArrayViewFromImage(image)) for name, image in candidates.items()}
    overlaps = [
        _mean_dice(sitk.GetArrayViewFromImage(labels), truth) for labels, truth in zip(found, truths, strict=True)
    ]
    return Row(
        seconds,
        _tre(exam, result.registration.transform),
        *overlaps,
        *(figures[name][0] for name in candidates),
        *(figures[name][1] for name in candidates),
    )


def _errors(exam: SimulatedExam, hu: NDArray[np.number]) -> tuple[float, float]:
    kidneys = exam.kidneys > 0
    part = box_around(kidneys, exam.reference.spacing, 20.0).slices
    clipped = [np.clip(values[part], LOWER_HU, UPPER_HU) for values in (hu, exam.nephrographic_truth)]
    error = clipped[0] - clipped[1]
    return psnr_db(float(np.mean(error**2)), WIDTH_HU), float(np.abs(error[kidneys[part]]).mean())


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
    """Prints a row per exam, then means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exams", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=900_000)
    arguments = parser.parse_args()
    names = [field.name for field in fields(Row)]
    print("  ".join(["seed   ", *names]))
    rows = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.exams):
        rows.append(list(asdict(measure(seed)).values()))
        _print(str(seed), names, rows[-1])
    _print("mean", names, np.mean(rows, axis=0).tolist())
    mean = dict(zip(names, np.mean(rows, axis=0), strict=True))
    for name in ("synthetic", "told"):
        print(f"{name} against baseline: {mean[f'psnr_{name}'] - mean['psnr_baseline']:+.2f} dB PSNR, "
              f"{100 * (mean[f'mae_{name}'] / mean['mae_baseline'] - 1):+.0f} % MAE inside the kidneys")  # fmt: skip


def _print(label: str, names: list[str], values: list[float]) -> None:
    cells = (f"{value:{len(name)}.2f}" for name, value in zip(names, values, strict=True))
    print("  ".join([f"{label:7}", *cells]), flush=True)


if __name__ == "__main__":
    main()
