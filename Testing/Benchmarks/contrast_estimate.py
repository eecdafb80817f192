"""Prints how well tissues are measured in prepared exams, and whether the estimated contrast is as sure as it says.

    python Testing/Benchmarks/contrast_estimate.py runs/synthesis/cases [--from 6000] [--to 799999]

The folder holds cases that `nephrosynth train synthesis` keeps: simulated exams after real registration, cut to the
region around the kidneys. Their true enhancement judges the measurement of the tissues in the excretory phase and the
estimate of the nephrographic phase that follows from it. No network takes part.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.kinetics.posterior import LEAST_HU, MEASURED_CORTEX, Observed, Told, estimate
from NephroSynthLib.kinetics.uptake import ORGAN_UPTAKE, VENOUS_ORGANS
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.synthesis.tissue_enhancement import tissue_enhancement

KIDNEY_TISSUES = ("cortex", "medulla")


class Exam(NamedTuple):
    """What was measured in an exam, and its true enhancement in HU, (phase, compartment), nephrographic first."""

    observed: Observed
    contrast: NDArray[np.float64]


def main() -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--from", dest="first", type=int, default=0, help="lowest seed")
    parser.add_argument("--to", dest="last", type=int, default=10**9, help="highest seed")
    given = parser.parse_args()
    paths = [path for path in sorted(given.cases.glob("*.npz")) if given.first <= int(path.stem) <= given.last]
    exams = [_exam(path) for path in paths]
    print(f"{len(exams)} exams of {given.cases}\n")
    _print_measurement(exams)
    _print_estimate(exams)


def _exam(path: Path) -> Exam:
    with np.load(path) as arrays:
        images = [sitk.GetImageFromArray(arrays[name]) for name in ("noncontrast", "excretory", "kidneys")]
        contrast = arrays["contrast"]
    for image in images:
        image.SetSpacing(WORKING_SPACING)
    return Exam(tissue_enhancement(*images), contrast)


def _true_enhancement(contrast: NDArray[np.float64]) -> Mapping[str, float]:
    """Returns the enhancement in HU of each tissue in the excretory phase by the contrast of its compartments."""
    hu = dict(zip(COMPARTMENTS, contrast[1], strict=True))
    found = {"kidney": MEASURED_CORTEX * hu["cortex"] + (1 - MEASURED_CORTEX) * hu["medulla"]}
    for name, (blood, interstitium) in ORGAN_UPTAKE.items():
        vessels = hu["veins" if name in VENOUS_ORGANS else "blood"]
        found[name] = blood * vessels + interstitium * hu["interstitium"]
    return found


def _print_measurement(exams: list[Exam]) -> None:
    print("tissue   exams  measured / true (geometric mean)  SD of its logarithm")
    ratios: dict[str, list[float]] = {}
    for exam in exams:
        for name, true in _true_enhancement(exam.contrast).items():
            measured = getattr(exam.observed, name)
            if measured is not None:
                ratios.setdefault(name, []).append(float(np.log(max(measured, LEAST_HU) / true)))
    for name, values in ratios.items():
        print(f"{name:8}{len(values):6}{np.exp(np.mean(values)):34.3f}{np.std(values):21.3f}")
    print()


def _print_estimate(exams: list[Exam]) -> None:
    print("nephrographic  mean error (HU)  mean absolute error  SD told  error / SD (RMS)  within 2 SD")
    found = [estimate(exam.observed, Told()) for exam in exams]
    for name in KIDNEY_TISSUES:
        true = np.array([exam.contrast[0][COMPARTMENTS.index(name)] for exam in exams])
        error = np.array([one.mean_hu[name] for one in found]) - true
        sd = np.array([one.sd_hu[name] for one in found])
        relative = error / sd
        print(
            f"{name:13}{error.mean():17.1f}{np.abs(error).mean():21.1f}{sd.mean():9.1f}"
            f"{np.sqrt(np.mean(relative**2)):18.2f}{np.mean(np.abs(relative) < 2):13.0%}"
        )


if __name__ == "__main__":
    main()
