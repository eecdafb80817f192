"""Prints how well the registration aligns held-out simulated exams, before and after the dense stage.

The masks that the registration gets are the true ones, roughened to the quality of a segmenter (Dice about 0.92).
TRE is the distance between the transform and the true displacement: in the kidneys (mean, and mean of the worse
kidney), and in the tissue 5 to 20 mm and 20 to 40 mm around them. The inverse error is the distance by which a
fixed-point inverse of the transform misses the point that it started from. Memory is what the process grows by, so
a row may reuse what a row above has freed.

    python Testing/Benchmarks/registration.py --count 5
    python Testing/Benchmarks/registration.py --count 1 --beside syn convex-adam
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psutil
import SimpleITK as sitk
from numpy.typing import NDArray
from other_registrations import OTHERS
from scipy import ndimage

from NephroSynthLib.exam.simulated_images import to_image, to_images
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.options import RegistrationMode
from NephroSynthLib.registration import register
from NephroSynthLib.registration.geometry import WorkingGrid, extent
from NephroSynthLib.settings import RegistrationSettings
from NephroSynthLib.simulation import SimulatedExam, simulate
from NephroSynthLib.simulation.tissues import Tissue

FIRST_SEED = 900_000
MODES: tuple[RegistrationMode, ...] = ("affine", "two-stage", "dense")
_OUTSIDE_BODY = (Tissue.AIR, Tissue.TABLE, Tissue.METAL)
_POINTS = 2000
_BORDER = 4

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """Figures of one exam and mode."""

    seed: int
    mode: str
    kidneys_mm: float
    worst_kidney_mm: float
    near_mm: float
    far_mm: float
    min_jacobian: float
    inverse_mm: float
    seconds: float
    memory_mb: float
    said: str


@dataclass
class Cost:
    """What a block takes: seconds, and the MiB by which the process grows at most."""

    seconds: float = 0.0
    memory_mb: float = field(default=0.0)


@contextmanager
def measured() -> Iterator[Cost]:
    """Measures a block; the memory is sampled each 20 ms."""
    process, cost, ended = psutil.Process(), Cost(), threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not ended.wait(0.02):
            cost.memory_mb = max(cost.memory_mb, (process.memory_info().rss - before) / 2**20)

    watcher, start = threading.Thread(target=watch), time.perf_counter()
    watcher.start()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - start
        ended.set()
        watcher.join()


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


def true_pairs(exam: SimulatedExam, where: NDArray[np.bool_]) -> tuple[Points, Points]:
    """Returns points (n, 3) of the reference drawn from `where` (z, y, x), and their places in the excretory phase."""
    indices = np.argwhere(where)
    drawn = np.random.default_rng(0).permutation(len(indices))[:_POINTS]
    points = exam.reference.to_points(indices[drawn])
    z, y, x = indices[drawn].T
    return points, points + exam.phases["excretory"].displacement[:, z, y, x].T


def moved(transform: sitk.Transform, points: Points) -> Points:
    """Returns where a transform carries points (n, 3)."""
    return np.array([transform.TransformPoint(point) for point in points.tolist()]).reshape(-1, 3)


def tre(transform: sitk.Transform, exam: SimulatedExam, where: NDArray[np.bool_]) -> float:
    """Returns the mean distance in mm between the transform and the truth over `where` (z, y, x); NaN if empty."""
    points, truth = true_pairs(exam, where)
    return float(np.linalg.norm(moved(transform, points) - truth, axis=1).mean()) if len(points) else float("nan")


def inverse_error(transform: sitk.Transform, points: Points) -> float:
    """Returns the largest distance in mm of a fixed-point inverse from the points (n, 3) that were mapped."""
    targets = moved(transform, points)
    found = points + (points - targets)
    for _ in range(60):
        found = found + 0.7 * (targets - moved(transform, found))
    return float(np.linalg.norm(found - points, axis=1).max())


def least_jacobian(transform: sitk.Transform, like: sitk.Image) -> float:
    """Returns the least Jacobian determinant over an image on 3 mm, without its border, where a field ends."""
    grid = WorkingGrid.between(*extent(like), 3.0)
    displacement = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.size, grid.origin, (grid.spacing,) * 3
    )
    inner = (slice(_BORDER, -_BORDER),) * 3
    return float(sitk.GetArrayViewFromImage(sitk.DisplacementFieldJacobianDeterminant(displacement))[inner].min())


def measure(seed: int, beside: list[str]) -> Iterator[Row]:
    """Simulates one exam, and registers its excretory phase up to each stage and by the registrations of others."""
    exam = simulate(seed)
    images, excretory = to_images(exam), exam.phases["excretory"]
    fixed, moving = images["noncontrast"], images["excretory"]
    fixed_kidneys = to_image(roughened(exam.kidneys, exam.reference.spacing, seed), exam.reference)
    moving_kidneys = to_image(roughened(excretory.kidneys, excretory.grid.spacing, seed + 1), excretory.grid)
    distance = ndimage.distance_transform_edt(exam.kidneys == 0, exam.reference.spacing[::-1])
    body = ~np.isin(exam.labels, _OUTSIDE_BODY)
    near, far = body & (distance > 5) & (distance <= 20), body & (distance > 20) & (distance <= 40)
    around, _ = true_pairs(exam, near | far)

    def row(mode: str, transform: sitk.Transform, jacobian: float, cost: Cost, said: str) -> Row:
        by_kidney = [
            tre(transform, exam, exam.kidneys == label) for label in SIDES.values() if (exam.kidneys == label).any()
        ]
        return Row(
            seed,
            mode,
            tre(transform, exam, exam.kidneys > 0),
            max(by_kidney),
            tre(transform, exam, near),
            tre(transform, exam, far),
            jacobian,
            inverse_error(transform, around[:200]),
            cost.seconds,
            cost.memory_mb,
            said,
        )

    affine = sitk.Transform(3, sitk.sitkIdentity)
    for mode in MODES:
        with measured() as cost:
            found = register(fixed, moving, fixed_kidneys, moving_kidneys, RegistrationSettings(mode=mode))
        affine = found.transform if mode == "affine" else affine
        yield row(mode, found.transform, found.quality.min_jacobian, cost, "; ".join((*found.warnings, *found.notes)))
    for name in beside:
        with measured() as cost:
            transform = OTHERS[name](fixed, moving, affine)
        yield row(name, transform, least_jacobian(transform, fixed), cost, "")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="number of exams")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--beside", nargs="*", default=[], choices=OTHERS, help="registrations of others")
    options = parser.parse_args()
    print("                       TRE mm                            least     inverse")
    print("  seed  mode        kidneys  worst  5-20 mm  20-40 mm  Jacobian   error mm   time s   MiB")
    rows: list[Row] = []
    for seed in range(options.first_seed, options.first_seed + options.count):
        for row in measure(seed, options.beside):
            rows.append(row)
            print(
                f"{row.seed:6d}  {row.mode:11s}{row.kidneys_mm:7.2f} {row.worst_kidney_mm:7.2f} {row.near_mm:7.2f} "
                f"{row.far_mm:8.2f} {row.min_jacobian:10.2f} {row.inverse_mm:9.3f} "
                f"{row.seconds:9.1f} {row.memory_mb:5.0f}  {row.said}",
                flush=True,
            )
    for mode in (*MODES, *options.beside):
        chosen = [row for row in rows if row.mode == mode]
        print(
            f"{'mean':>6s}  {mode:11s}{np.mean([row.kidneys_mm for row in chosen]):7.2f} "
            f"{max(row.worst_kidney_mm for row in chosen):7.2f} {np.nanmean([row.near_mm for row in chosen]):7.2f} "
            f"{np.nanmean([row.far_mm for row in chosen]):8.2f} {min(row.min_jacobian for row in chosen):10.2f} "
            f"{max(row.inverse_mm for row in chosen):9.3f} {np.mean([row.seconds for row in chosen]):9.1f} "
            f"{max(row.memory_mb for row in chosen):5.0f}  (worst, Jacobian, inverse error, memory: over all exams)"
        )


if __name__ == "__main__":
    main()
