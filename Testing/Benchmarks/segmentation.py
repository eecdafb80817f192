"""Prints how well segmenters find the kidneys, by phase: Dice, the 95th percentile of the surface distance, volume.

Simulated exams that no training has used have all four phases, on grids and fields of view as hospitals have them.
`--anatomies` lets label maps of real patients drive half of them. `--ct` adds a real CT with its label map (1 right,
2 left). A kidney of which less than 10 ml is in view does not count.

    python Testing/Benchmarks/segmentation.py --count 30
    python Testing/Benchmarks/segmentation.py --count 0 --ct ct.nii.gz kidneys.nii.gz --model mine/mine.safetensors
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.evaluation.overlap import Overlap, kidney_overlap
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.image_files import read_image_file
from NephroSynthLib.segmentation.pieces import SMALLEST_ML
from NephroSynthLib.segmentation.segmenter import segment_kidneys, volumes_ml
from NephroSynthLib.settings import SegmentationSettings
from NephroSynthLib.simulation import simulate

FIRST_SEED = 900_000


@dataclass(frozen=True)
class Case:
    """A CT with its true kidneys.

    Attributes:
        name: Seed or file.
        phase: Phase of the exam.
        image: HU.
        kidneys: Labels: 1 right, 2 left.
    """

    name: str
    phase: str
    image: sitk.Image
    kidneys: sitk.Image


@dataclass(frozen=True)
class Row:
    """Figures of one kidney in one CT; the overlap with nothing counts as 0, and has no distance."""

    model: str
    phase: str
    overlap: Overlap


def simulated(seeds: range, anatomies: AnatomyFolder | None) -> Iterator[Case]:
    """Yields the four phases of each simulated exam."""
    for seed in seeds:
        anatomy = anatomies.choose(seed) if anatomies else None
        driver = f" ({anatomies.name(seed)})" if anatomies and anatomy else ""
        for name, phase in simulate(seed, anatomy=anatomy, corticomedullary=True).phases.items():
            yield Case(f"{seed}{driver}", name, to_image(phase.hu, phase.grid), to_image(phase.kidneys, phase.grid))


def measure(case: Case, model: str, steps: int) -> list[Row]:
    """Segments one CT, prints a line, and returns the figures of its kidneys."""
    start = time.perf_counter()
    found = segment_kidneys(case.image, SegmentationSettings(model=model, steps=steps))
    seconds = time.perf_counter() - start
    true = volumes_ml(case.kidneys)
    overlaps = {
        side: overlap
        for side, overlap in kidney_overlap(case.kidneys, found.labels).items()
        if side in found.volumes_ml or true.get(side, 0.0) >= SMALLEST_ML
    }
    figures = "   ".join(
        f"{side} {overlap.dice:.3f} {_mm(overlap.hausdorff95_mm)} "
        f"{true.get(side, 0.0):4.0f} {found.volumes_ml.get(side, 0.0):4.0f} ml"
        for side, overlap in overlaps.items()
    )
    name = f"{Path(model).stem}, {steps} step{'s' if steps > 1 else ''}"
    print(f"{name}  {case.name}  {case.phase:16s} {figures or 'no kidney'}   {seconds:.0f} s", flush=True)
    return [Row(name, case.phase, overlap) for overlap in overlaps.values()]


def _mm(distance: float | None) -> str:
    return "   - mm" if distance is None else f"{distance:4.1f} mm"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5, help="number of simulated exams")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--anatomies", type=Path, help="folder with label maps of real patients")
    parser.add_argument("--ct", type=Path, nargs=2, action="append", default=[], metavar=("CT", "KIDNEYS"))
    parser.add_argument("--model", action="append", help="name or path of a bundle; may be given again")
    parser.add_argument("--steps", type=int, nargs="+", default=[SegmentationSettings().steps], help="denoising steps")
    options = parser.parse_args()
    ways = [(model, steps) for model in options.model or [SegmentationSettings().model] for steps in options.steps]
    seeds = range(options.first_seed, options.first_seed + options.count)
    rows: list[Row] = []
    for ct, kidneys in options.ct:
        case = Case(ct.name, "real", read_volume(ct).image, read_image_file(kidneys, "kidneys"))
        rows += [row for model, steps in ways for row in measure(case, model, steps)]
    for case in simulated(seeds, AnatomyFolder(options.anatomies) if options.anatomies else None):
        rows += [row for model, steps in ways for row in measure(case, model, steps)]
    print(f"\n{'model':26s} {'phase':16s} kidneys  Dice mean  worst  found   HD95 mean  worst mm")
    for model in dict.fromkeys(row.model for row in rows):
        for phase in dict.fromkeys(row.phase for row in rows):
            overlaps = [row.overlap for row in rows if (row.model, row.phase) == (model, phase)]
            values = [overlap.dice for overlap in overlaps]
            far = [overlap.hausdorff95_mm for overlap in overlaps if overlap.hausdorff95_mm is not None] or [np.nan]
            print(
                f"{model:26s} {phase:16s} {len(values):7d}  {np.mean(values):9.3f}  {min(values):5.3f}  "
                f"{np.mean(np.array(values) > 0.5):5.2f}   {np.mean(far):9.1f}  {max(far):8.1f}"
            )


if __name__ == "__main__":
    main()
