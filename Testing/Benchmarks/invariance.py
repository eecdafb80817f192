"""Prints how far the synthetic phase depends on the voxel size of the exam.

    python Testing/Benchmarks/invariance.py [--seeds 900000] [--anatomies DIR] [--finest 0.7]

Each exam is simulated once, with cubic voxels of the finest size. Both phases, the truth and the kidneys are averaged
over the voxels of each grid, so noise per volume is the same on all of them. The truth aligns the excretory phase and
outlines the kidneys, so the table shows the synthesis alone, with the bundled model.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.imaging.grids import Spacing, resample
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import SimulatedExam, simulate
from NephroSynthLib.synthesis.nephrographic import synthesize

FIELD_OF_VIEW_MM = (290.0, 210.0, 180.0)
GRIDS: tuple[Spacing, ...] = ((1.5, 1.5, 5.0), (1.0, 1.0, 2.5), (0.8, 0.8, 2.0), (0.8, 0.8, 1.0))
Volumes = Mapping[str, NDArray[np.float32]]


def main() -> None:
    """Prints a table for each exam."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[900_000])
    parser.add_argument("--anatomies", type=Path, help="label maps of real patients (Documentation/Training.md)")
    parser.add_argument("--finest", type=float, default=0.7, help="mm; coarser ones need less time and memory")
    arguments = parser.parse_args()
    anatomies = AnatomyFolder(arguments.anatomies) if arguments.anatomies else None
    for seed in arguments.seeds:
        name = anatomies.name(seed) if anatomies else ""
        print(f"exam {seed}, {f'driven by {name}' if name else 'drawn patient'}", flush=True)
        volumes, fine = _volumes(_exam(seed, arguments.finest, anatomies))
        _print_grids(volumes, fine)


def _exam(seed: int, finest: float, anatomies: AnatomyFolder | None) -> SimulatedExam:
    shape = [round(extent / finest) for extent in FIELD_OF_VIEW_MM]
    origin = [-(count - 1) / 2 * finest for count in shape]
    grid = Grid((shape[2], shape[1], shape[0]), (finest,) * 3, (origin[0], origin[1], origin[2]))
    return simulate(seed, reference=grid, anatomy=anatomies.choose(seed) if anatomies else None)


def _volumes(exam: SimulatedExam) -> tuple[Volumes, Grid]:
    """Returns the phases in HU, the truth, and the occupancy of each kidney, all on the fine grid."""
    phase, grid = exam.phases["excretory"], exam.reference
    field = sitk.Cast(to_image(phase.displacement, grid), sitk.sitkVectorFloat64)
    moved = resample(
        to_image(phase.hu, phase.grid), to_image(exam.kidneys, grid), sitk.DisplacementFieldTransform(field)
    )
    volumes = {
        "noncontrast": exam.phases["noncontrast"].hu,
        "excretory": sitk.GetArrayFromImage(moved),
        "truth": exam.nephrographic_truth,
        **{side: (exam.kidneys == value).astype(np.float32) for side, value in SIDES.items()},
    }
    return volumes, grid


def _averaged(volume: NDArray[np.float32], fine: Grid, spacing: Spacing) -> sitk.Image:
    """Returns the mean of a volume over each voxel of a grid, which begins at the same corner."""
    corner = [first - step / 2 for first, step in zip(fine.origin, fine.spacing, strict=True)]
    for axis, (old, new) in enumerate(zip(fine.spacing, spacing, strict=True)):
        along = 2 - axis
        length = volume.shape[along]
        edges = np.arange(int(length * old / new + 1e-6) + 1) * (new / old)
        total = np.concatenate([np.zeros((1, *np.delete(volume.shape, along))), np.moveaxis(volume, along, 0)])
        total = total.cumsum(axis=0, dtype=np.float64)
        below = np.minimum(edges.astype(int), length - 1)
        share = (edges - below)[:, None, None]
        upto = (1 - share) * total[below] + share * total[below + 1]
        volume = np.moveaxis(np.diff(upto, axis=0) * (old / new), 0, along).astype(np.float32)
    image = sitk.GetImageFromArray(volume)
    image.SetSpacing(spacing)
    image.SetOrigin([first + step / 2 for first, step in zip(corner, spacing, strict=True)])
    return image


def _on(volumes: Volumes, fine: Grid, spacing: Spacing) -> tuple[Mapping[str, sitk.Image], sitk.Image]:
    """Returns all volumes on a grid, and the label map of the kidneys there."""
    images = {name: _averaged(volume, fine, spacing) for name, volume in volumes.items()}
    kidneys = sum(sitk.Cast(images[side] > 0.5, sitk.sitkUInt8) * value for side, value in SIDES.items())
    return images, kidneys


def _print_grids(volumes: Volumes, fine: Grid) -> None:
    print(f"{'grid (mm)':18}  estimate  kidney HU, synthetic / true, right then left")
    rows = []
    grids = [grid for grid in GRIDS if min(grid) >= min(fine.spacing)]
    for spacing in (*grids, fine.spacing):
        images, kidneys = _on(volumes, fine, spacing)
        result = synthesize(images["noncontrast"], images["excretory"], kidneys, SynthesisSettings())
        hu, truth = (sitk.GetArrayViewFromImage(image) for image in (result.image, images["truth"]))
        labels = sitk.GetArrayViewFromImage(kidneys)
        present = [value for value in SIDES.values() if (labels == value).any()]
        rows.append([float(v[labels == side].mean()) for side in present for v in (hu, truth)])
        pairs = "   ".join(f"{rows[-1][k]:6.1f} / {rows[-1][k + 1]:6.1f}" for k in range(0, len(rows[-1]), 2))
        cortex = result.enhancement.estimate.mean_hu["cortex"]
        print(f"{' x '.join(map(str, spacing)):18}  {cortex:8.1f}  {pairs}", flush=True)
    worst = np.abs(np.array(rows) - np.mean(rows, axis=0)).max(axis=0)
    print(f"farthest from the mean over grids: synthetic {worst[::2].max():.1f} HU, true {worst[1::2].max():.1f} HU\n")


if __name__ == "__main__":
    main()
