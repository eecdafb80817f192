"""Prints the cost of a cohort: overhead an exam, throughput by number of workers, memory of a worker.

python Testing/Benchmarks/cohort.py                    # the overhead alone, in seconds
python Testing/Benchmarks/cohort.py --exams 8          # also small simulated exams through the whole pipeline
python Testing/Benchmarks/cohort.py --engine ray
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

from NephroSynthLib.cohort.cohort_run import CohortRequest, run_cohort
from NephroSynthLib.jobs.simulated_files import SimulatedFiles
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid

SEED = 910_003
GRID = Grid((18, 52, 72), (4.4, 4.5, 8.5), (-155.0, -118.0, -75.0))
REFUSED = 200


def overhead(engine: str, folder: Path) -> float:
    """Returns the seconds that an exam takes beside the pipeline: those of one whose file is missing.

    They are counted from the end of the first exam on, when the engine and its libraries are loaded.
    """
    manifest = folder / "refused.csv"
    lines = [f"e{number},none-{number}.nii.gz,other-{number}.nii.gz" for number in range(REFUSED)]
    manifest.write_text("\n".join(["exam,noncontrast,excretory", *lines]))
    request = CohortRequest(manifest=manifest, out=folder / engine, engine=engine)
    ends: list[float] = []
    run_cohort(request, Progress(lambda event: ends.append(time.monotonic()), stage_name="exams"))
    return (ends[-1] - ends[1]) / (REFUSED - 1)


def throughput(engine: str, workers: int, manifest: Path, out: Path) -> str:
    """Runs real exams and returns a line of figures."""
    request = CohortRequest(manifest=manifest, out=out, engine=engine, workers=workers, settings={"device": "cpu"})
    start = time.monotonic()
    run_cohort(request, Progress(stage_name="exams"))
    seconds = time.monotonic() - start
    with (out / "exams.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "done"]
    stages = [sum(float(value) for name, value in row.items() if name.startswith("timings_s.")) for row in rows]
    rest = sum(float(row["seconds"]) for row in rows) / len(rows) - sum(stages) / len(rows)
    memory = max(float(row["peak_memory_mb"]) for row in rows)
    return (
        f"{engine}, {workers} worker(s): {3600 * len(rows) / seconds:.0f} exams/h, {memory:.0f} MiB a worker, "
        f"{rest:.1f} s an exam for libraries, reading and writing"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--exams", type=int, default=0, help="simulated exams for the throughput")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        print(
            f"{chosen.engine}: {overhead(chosen.engine, folder):.3f} s overhead an exam ({REFUSED} exams)", flush=True
        )
        if not chosen.exams:
            return
        lines = ["exam,noncontrast,excretory"]
        for number in range(chosen.exams):
            SimulatedFiles.simulate(SEED + number, Progress(), GRID).write_phases(
                folder / str(number), "nifti", Progress()
            )
            lines.append(f"e{number},{number}/noncontrast.nii.gz,{number}/excretory.nii.gz")
        (folder / "exams.csv").write_text("\n".join(lines))
        for workers in (1, 2):
            print(throughput(chosen.engine, workers, folder / "exams.csv", folder / f"out-{workers}"), flush=True)


if __name__ == "__main__":
    main()
