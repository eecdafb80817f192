"""Prints the cost of a cohort, and tries it on exams of which one is broken, one is missing and some lose their worker.

python Testing/Benchmarks/cohort.py                          # the overhead alone, in seconds
python Testing/Benchmarks/cohort.py --exams 24               # also exams by processes, one of which is killed
python Testing/Benchmarks/cohort.py --exams 24 --engine ray  # by a Ray cluster of two nodes, one of which is killed

Each exam is the same simulated kidney with other noise. The networks are small ones with random weights. So the figures
tell what a cohort costs, and nothing about the time of a real exam or the quality of its result.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import SimpleITK as sitk

from NephroSynthLib.cohort.cohort_run import CohortRequest, run_cohort
from NephroSynthLib.jobs.simulated_files import SimulatedFiles
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.simulation import Grid

SEED = 910_003
GRID = Grid((18, 52, 72), (4.4, 4.5, 8.5), (-155.0, -118.0, -75.0))
PHASES = ("noncontrast", "excretory")
BORDER_MM = 25.0
NOISE_HU = 4.0
REFUSED = 200
BAD = {"broken": "excretory.nii.gz", "missing": "none.nii.gz"}
"""Exams that must fail, with the file of their excretory phase."""
CHANGING = ("seconds", "timings_s", "peak_memory_mb", "versions", "inputs")
"""Beginnings of the columns that differ from run to run."""


def overhead(engine: str, folder: Path) -> float:
    """Returns the seconds that an exam takes beside the pipeline: those of one whose file is missing.

    They are counted from the end of the first exam on, when the engine and its libraries are loaded.
    """
    manifest = folder / "refused.csv"
    lines = [f"e{number},none-{number}.nii.gz,other-{number}.nii.gz" for number in range(REFUSED)]
    manifest.write_text("\n".join(["exam,noncontrast,excretory", *lines]))
    request = CohortRequest(manifest=manifest, out=folder / f"refused-{engine}", engine=engine)
    ends: list[float] = []
    run_cohort(request, Progress(lambda event: ends.append(time.monotonic()), stage_name="exams"))
    return (ends[-1] - ends[1]) / (REFUSED - 1)


class Cohort:
    """Small exams on disk with their manifests, and settings with small networks.

    Args:
        folder: Takes all.
        exams: Number of the exams that can be computed.
    """

    def __init__(self, folder: Path, exams: int) -> None:
        self.folder, self.good = folder, [f"e{number:02d}" for number in range(exams)]
        self.settings = {
            "device": "cpu",
            "registration": {"mode": "none"},
            "segmentation": {"model": str(small_segmenter(folder))},
            "synthesis": {"model": str(small_synthesizer(folder)), "margin_mm": 10.0},
        }
        images = around_a_kidney(simulated())
        for number, name in enumerate(self.good):
            (folder / name).mkdir()
            sitk.WriteImage(images["kidneys"], str(folder / name / "kidneys.nii.gz"))
            for phase in PHASES:
                sitk.WriteImage(noisy(images[phase], number), str(folder / name / f"{phase}.nii.gz"))
        whole = (folder / self.good[0] / "excretory.nii.gz").read_bytes()
        (folder / BAD["broken"]).write_bytes(whole[: len(whole) // 2])

    def manifest(self, exams: int | None = None) -> Path:
        """Writes a manifest of the first exams, or of all and those that must fail."""
        lines = [
            f"{name},{name}/noncontrast.nii.gz,{name}/excretory.nii.gz,{name}/kidneys.nii.gz"
            for name in self.good[:exams]
        ]
        if exams is None:
            bad = [f"{name},{self.good[0]}/noncontrast.nii.gz,{file}," for name, file in BAD.items()]
            lines = [*lines[: len(lines) // 2], *bad, *lines[len(lines) // 2 :]]
        path = self.folder / f"exams-{exams or 'all'}.csv"
        path.write_text("\n".join(["exam,noncontrast,excretory,mask", *lines]))
        return path


def simulated() -> dict[str, sitk.Image]:
    """Returns two phases of a simulated exam on one grid, and its right kidney."""
    exam = SimulatedFiles.simulate(SEED, Progress(), GRID)
    grid = exam.images["noncontrast"]
    phases = {name: sitk.Resample(exam.images[name], grid, sitk.Transform(), sitk.sitkLinear, -1000) for name in PHASES}
    return {**phases, "kidneys": sitk.Cast(exam.images["kidneys"] == 1, sitk.sitkUInt8)}


def around_a_kidney(images: dict[str, sitk.Image]) -> dict[str, sitk.Image]:
    """Returns the part of images of one grid around the kidney."""
    shape, kidney = sitk.LabelShapeStatisticsImageFilter(), images["kidneys"]
    shape.Execute(kidney)
    box = shape.GetBoundingBox(1)
    border = [round(BORDER_MM / size) for size in kidney.GetSpacing()]
    start = [max(0, box[axis] - border[axis]) for axis in range(3)]
    stop = [min(kidney.GetSize()[axis], box[axis] + box[axis + 3] + border[axis]) for axis in range(3)]
    part = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return {name: image[part] for name, image in images.items()}


def noisy(image: sitk.Image, seed: int) -> sitk.Image:
    """Returns an image with noise of its own."""
    array = sitk.GetArrayFromImage(image).astype(np.float32)
    array += np.random.default_rng(seed).normal(0, NOISE_HU, array.shape)
    made = sitk.GetImageFromArray(array.astype(np.float32))
    made.CopyInformation(image)
    return made


def small_segmenter(folder: Path) -> Path:
    """Writes a bundle of the segmenter with a small network of random weights."""
    from NephroSynthLib.models.bundle import load_bundle, save_bundle
    from NephroSynthLib.models.swin_diffusion import SwinDiffusion

    bundle = load_bundle("kidney-segmenter")
    own = bundle.configuration(SwinDiffusion)
    network = replace(own.network, channels=(8, 8, 8), blocks=(1, 1, 1), attention=(False,) * 3, head_channels=8)
    small = own.model_copy(update={"network": network})
    metadata = bundle.metadata.model_copy(update={"configuration": small.model_dump(mode="json")})
    save_bundle(folder / "segmenter.safetensors", small.build().network.state_dict(), metadata)
    return folder / "segmenter.safetensors"


def small_synthesizer(folder: Path) -> Path:
    """Writes a bundle of a regression with a small network of random weights."""
    from NephroSynthLib.methods.regression import Regression2D
    from NephroSynthLib.models.bundle import load_bundle, save_bundle
    from NephroSynthLib.networks.translator import Translator

    network = replace(
        Regression2D.default.network, channels=(8, 8, 8), blocks=(1, 1, 1), head_channels=8, full_resolution_channels=4
    )
    small = Regression2D.default.model_copy(update={"network": network})
    metadata = load_bundle("nephrographic-synthesizer").metadata.model_copy(
        update={
            "method": Regression2D.name,
            "title": Regression2D.title,
            "configuration": small.model_dump(mode="json"),
            "window_hu": Regression2D.window_hu,
        }
    )
    save_bundle(folder / "synthesizer.safetensors", Translator(network).state_dict(), metadata)
    return folder / "synthesizer.safetensors"


class Ends:
    """Notes when exams end, and does something after some of them.

    Args:
        after: Number of the exams after which `act` is called; None for never.
        act: What is done then.
    """

    def __init__(self, after: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.after, self.act = after, act
        self.times: list[float] = []
        self.names: Counter[str] = Counter()

    def __call__(self, event: ProgressEvent) -> None:
        name, told, _ = event.message.partition(": ")
        if not told:
            return
        self.times.append(time.monotonic())
        self.names[name] += 1
        if len(self.times) == self.after:
            self.act()

    @property
    def an_hour(self) -> float:
        """The exams an hour, from the end of the first one on, when the libraries are loaded."""
        return 3600 * (len(self.times) - 1) / (self.times[-1] - self.times[0])


def run(cohort: Cohort, out: Path, ends: Ends, exams: int | None = None, **more: Any) -> list[dict[str, str]]:
    """Runs exams and returns the rows of their table."""
    request = CohortRequest(manifest=cohort.manifest(exams), out=out, settings=cohort.settings, **more)
    run_cohort(request, Progress(ends, stage_name="exams"))
    with (out / "exams.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check(cohort: Cohort, out: Path, rows: list[dict[str, str]]) -> None:
    """Checks that each exam has one row, that this row is its result, and that only bad exams failed."""
    assert sorted(row["exam"] for row in rows) == sorted([*cohort.good, *BAD])
    assert {row["exam"] for row in rows if row["status"] == "failed"} == set(BAD), [row["reason"] for row in rows]
    assert sorted(path.name for path in (out / "exams").iterdir()) == cohort.good
    for row in (row for row in rows if row["status"] == "done"):
        result = json.loads((out / "exams" / row["exam"] / "result.json").read_text("utf-8"))
        for name, value in result["registration"].items():
            if isinstance(value, float | bool):
                assert row[f"registration.{name}"] == str(value), (row["exam"], name)
    assert len({row["registration.ssim_after"] for row in rows}) == len(cohort.good) + 1  # each has its own figures


def comparable(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Returns the rows without times and memory."""
    return [{name: value for name, value in row.items() if not name.startswith(CHANGING)} for row in rows]


def kill_a_process() -> None:
    """Kills a process that computes an exam on the engine 'local'."""
    found = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
    found[0].kill()
    print("  a process was killed", flush=True)


@contextmanager
def two_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yields the address of a Ray cluster of two nodes with one processor each, and the way to kill one of them."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    nodes = [cluster.add_node(num_cpus=1, memory=4 * 10**9, **small) for _ in range(2)]

    def kill() -> None:
        cluster.remove_node(nodes[1], allow_graceful=False)
        print("  a node was killed", flush=True)

    try:
        yield cluster.address, kill
    finally:
        cluster.shutdown()


def local(cohort: Cohort, out: Path) -> list[dict[str, str]]:
    """Runs all exams by two processes, one of which is killed, and some by one process; returns the table of all."""
    after = len(cohort.good) // 3
    ends = Ends(after, kill_a_process)
    lost = {row["exam"] for row in run(cohort, out, ends, workers=2) if row["error"] == "WorkerError"}
    again = Ends()
    rows = run(cohort, out, again, workers=2)
    check(cohort, out, rows)
    assert len(lost) == 1
    assert set(ends.names.values()) == {1}
    alone = Ends()
    few = run(cohort, out.with_name("alone"), alone, exams=after, workers=1)
    between = alone.times[-1] - alone.times[0] - sum(float(row["seconds"]) for row in few[1:])
    print(f"  the next run computed the exam that was lost, {lost}, and all stand in the table once")
    print(f"  {alone.an_hour:.0f} exams/h by one process, {ends.an_hour:.0f} by two")
    print(f"  {between / (len(few) - 1):.3f} s between two exams of one process")
    tell(rows)
    return rows


def on_ray(cohort: Cohort, out: Path) -> list[dict[str, str]]:
    """Runs all exams on two nodes, one of which is killed; returns their table."""
    with two_nodes() as (address, kill):
        ends = Ends(len(cohort.good) // 3, kill)
        rows = run(cohort, out, ends, engine="ray", workers=2, memory_per_exam=2.0, address=address)
    check(cohort, out, rows)
    assert set(ends.names.values()) == {1}
    print("  all ended, each once, and stand in the table once")
    tell(rows)
    return rows


def tell(rows: list[dict[str, str]]) -> None:
    """Prints the largest memory, and the seconds of an exam within and beside the stages of the pipeline."""
    done = [row for row in rows if row["status"] == "done"]
    stages = [sum(float(value or 0) for name, value in row.items() if name.startswith("timings_s.")) for row in done]
    seconds = np.mean([float(row["seconds"]) for row in done])
    print(f"  {max(float(row['peak_memory_mb']) for row in done):.0f} MiB a worker at most")
    print(f"  {seconds:.1f} s an exam, of which {seconds - np.mean(stages):.1f} s read it and write result and report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("local", "ray", "both"), default="local")
    parser.add_argument("--exams", type=int, default=0, help="small exams to compute; 6 or more")
    chosen = parser.parse_args()
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (15, its default, starves the workers)
    engines = ("local", "ray") if chosen.engine == "both" else (chosen.engine,)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for engine in engines:
            seconds = overhead(engine, folder)
            print(f"{engine}: {seconds:.3f} s an exam beside the pipeline ({REFUSED} exams)", flush=True)
        if not chosen.exams:
            return
        cohort = Cohort(folder, chosen.exams)
        tables = []
        for engine in engines:
            print(f"{engine}: {chosen.exams} exams, one that is broken and one that is missing", flush=True)
            start = time.monotonic()
            tables.append(comparable({"local": local, "ray": on_ray}[engine](cohort, folder / engine)))
            print(f"  {time.monotonic() - start:.0f} s in all", flush=True)
        assert all(table == tables[0] for table in tables), "the engines give different tables"


if __name__ == "__main__":
    main()
