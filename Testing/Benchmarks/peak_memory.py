"""Measures the peak memory of `nephrosynth run` on a large simulated exam, 512x512x120 voxels in each phase by default.

    python Testing/Benchmarks/peak_memory.py [--size 512 512 120] [--seed 900000]

The exam is simulated in a process of its own, so that only the run is measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import SimpleITK as sitk

from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.imaging.grids import resample
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import simulate

FIELD_MM = (400.0, 400.0, 300.0)


def write_exam(folder: Path, size: tuple[int, int, int], seed: int) -> None:
    """Writes all phases of an exam, each resampled to the given size if its own differs."""
    spacing = tuple(length / count for length, count in zip(FIELD_MM, size, strict=True))
    grid = Grid(size[::-1], spacing, tuple(-length / 2 for length in FIELD_MM))  # type: ignore[arg-type]
    images = to_images(simulate(seed, reference=grid))
    for phase in ("noncontrast", "excretory", "nephrographic"):
        image = images[phase]
        if image.GetSize() != size:
            scale = [n * s / wanted for n, s, wanted in zip(image.GetSize(), image.GetSpacing(), size, strict=True)]
            like = sitk.Image(list(size), sitk.sitkUInt8)
            like.SetOrigin(image.GetOrigin())
            like.SetSpacing(scale)
            image = resample(image, like)
        sitk.WriteImage(image, str(folder / f"{phase}.nii.gz"))


def main() -> None:
    """Prints the peak memory and the time of the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 120), metavar=("X", "Y", "Z"))
    parser.add_argument("--seed", type=int, default=900_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulation = multiprocessing.get_context("spawn").Process(
            target=write_exam, args=(folder, tuple(arguments.size), arguments.seed)
        )
        simulation.start()
        simulation.join()
        if simulation.exitcode:
            sys.exit("The exam could not be simulated.")
        phases = [
            word
            for phase in ("noncontrast", "excretory", "nephrographic")
            for word in (f"--{phase}", str(folder / f"{phase}.nii.gz"))
        ]
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "NephroSynthLib.cli.app",
            "run",
            *phases,
            "--out",
            str(folder / "out"),
            "--quiet",
        ]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
        result = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))
    size = "x".join(map(str, arguments.size))
    print(f"{size} voxels in each of three phases: {result['peak_memory_mb']:.0f} MiB at most, {seconds:.0f} s")


if __name__ == "__main__":
    main()
