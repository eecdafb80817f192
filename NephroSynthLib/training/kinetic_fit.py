"""Fits the kinetic baseline on the cases that the synthesizer was trained on.

python -m NephroSynthLib.training.kinetic_fit runs/synthesis/cases
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from NephroSynthLib.methods.kinetic import COLLECTING_SYSTEM_HU
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training.pool import CasePool, PreparedCase
from NephroSynthLib.training.synthesis_cases import make_case

WIDTHS_MM = (0.0, 0.5, 1.0, 1.5, 2.0)
CLEARANCE = 2


@dataclass(frozen=True)
class Fit:
    """The ratio c that fits best for one width of the Gaussian.

    Attributes:
        width_mm: Standard deviation of the Gaussian in mm.
        ratio: The least-squares ratio c.
        rmse_hu: The root mean square error that remains, in HU.
    """

    width_mm: float
    ratio: float
    rmse_hu: float


def fit(cases: list[PreparedCase], width_mm: float) -> Fit:
    """Returns the ratio c that brings smoothed NCP + c (EP - NCP) nearest to the truth inside the kidneys.

    Voxels within two of the collecting system are left out.
    """
    products, squares, rest, count = 0.0, 0.0, 0.0, 0
    for case in cases:
        before, after, truth = (case[name].astype(np.float32) for name in ("noncontrast", "excretory", "nephrographic"))
        dense = after >= COLLECTING_SYSTEM_HU
        sigma = [width_mm / size for size in WORKING_SPACING[::-1]]
        known = ndimage.gaussian_filter(before, sigma)
        enhancement = ndimage.gaussian_filter(np.where(dense, 0, after - before), sigma)
        counted = ~ndimage.binary_dilation(dense, iterations=CLEARANCE) & (case["kidneys"] > 0)
        missing, offered = (truth - known)[counted].astype(float), enhancement[counted].astype(float)
        products += float(missing @ offered)
        squares += float(offered @ offered)
        rest += float(missing @ missing)
        count += int(counted.sum())
    ratio = products / squares
    return Fit(width_mm, ratio, float(np.sqrt(max(rest - ratio * products, 0) / count)))


def main() -> None:
    """Prints the fit of each width; the baseline uses the one with the least error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    pool = CasePool(parser.parse_args().cases, make_case)
    cases = [pool.load(path) for path in pool.ready()]
    for width in WIDTHS_MM:
        result = fit(cases, width)
        print(f"{result.width_mm:5.2f} mm   c = {result.ratio:.3f}   RMSE {result.rmse_hu:.2f} HU")


if __name__ == "__main__":
    main()
