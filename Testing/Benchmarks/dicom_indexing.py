"""Measures how long it takes to index a heap of DICOM files.

    python Testing/Benchmarks/dicom_indexing.py [--files 3000]

Writes series of 512 x 512 slices, fifteen in five studies, in folders of their own, drops foreign files among them, and
prints the seconds. The target is 3,000 files in at most 10 s on two idle cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.simulated_study import DELAYS_S, write_simulated_study

STUDIES = 5


def write_heap(folder: Path, files: int) -> int:
    """Writes the series, and returns the number of their files."""
    slices = round(files / STUDIES / len(DELAYS_S))
    rng = np.random.default_rng(0)
    body = sitk.GetImageFromArray(rng.normal(40, 15, (slices, 512, 512)).astype(np.float32))
    body.SetSpacing((0.8, 0.8, 1.0))
    written = 0
    for seed in range(STUDIES):
        study = folder / f"study {seed}"
        written += sum(
            len(series)
            for series in write_simulated_study(
                {phase: body + n for n, phase in enumerate(DELAYS_S)}, study, seed=seed
            ).values()
        )
        (study / "viewer.exe").write_bytes(bytes(100_000))
        (study / "readme.txt").write_text("not DICOM", encoding="utf-8")
    return written


def main() -> None:
    """Writes the files, indexes them, and prints the time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=3000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        written = write_heap(Path(folder), arguments.files)
        start = time.perf_counter()
        index = index_dicom(Path(folder))
        seconds = time.perf_counter() - start
    print(f"{written} files, {len(index.volumes)} series, {len(index.skipped)} foreign files: {seconds:.1f} s")


if __name__ == "__main__":
    main()
