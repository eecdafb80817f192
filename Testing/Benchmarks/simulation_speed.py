"""Measures time and memory of a simulated exam: `python Testing/Benchmarks/simulation_speed.py`.

Prints a table: for each grid the seconds of wall clock and of CPU for one exam of three phases, after a warm-up.
The target is a 192 x 160 x 64 exam in at most 3 s on two idle cores.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from NephroSynthLib.simulation import Grid, simulate

GRIDS: dict[str, Grid | None] = {
    "192 x 160 x 64": Grid((64, 160, 192), (1.9, 1.9, 3.0), (0.0, 0.0, 0.0)),
    "drawn": None,
    "512 x 512 x 120": Grid((120, 512, 512), (0.78, 0.78, 2.5), (0.0, 0.0, 0.0)),
}


def measure(grid: Grid | None, seeds: range) -> tuple[float, float, float]:
    """Returns mean wall seconds, mean CPU seconds and mean voxels in a phase, in millions."""
    wall, cpu, voxels = [], [], []
    for seed in seeds:
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        exam = simulate(seed, reference=grid)
        wall.append(time.perf_counter() - wall_start)
        cpu.append(time.process_time() - cpu_start)
        voxels.append(np.mean([phase.hu.size for phase in exam.phases.values()]) / 1e6)
    return float(np.mean(wall)), float(np.mean(cpu)), float(np.mean(voxels))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    parser.add_argument("--count", type=int, default=3, help="exams for each grid")
    parser.add_argument("--large", action="store_true", help="also 512 x 512 x 120")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    simulate(900000, reference=Grid((16, 64, 64), (4.0, 4.0, 8.0), (0.0, 0.0, 0.0)))
    print("grid (x, y, z)      Mvoxel/phase   wall s   CPU s   peak MB")
    for name, grid in GRIDS.items():
        if name.startswith("512") and not arguments.large:
            continue
        wall, cpu, voxels = measure(grid, range(900000, 900000 + arguments.count))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:18s}  {voxels:12.2f}  {wall:7.2f} {cpu:7.2f}  {peak:8.0f}")


if __name__ == "__main__":
    main()
