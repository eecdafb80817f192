"""The job `benchmark`: all methods trained alike and measured alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.jobs.request import ComputingRequest, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

ALL = "all"


class BenchmarkRequest(ComputingRequest):
    """Trains methods alike and measures them on the same held-out exams; the same command continues."""

    out: Path = Field(description="Folder for exams, trainings, volumes, tables and page; work there is resumed.")
    methods: str = field(options.BENCHMARK_METHODS)
    exams: int = field(options.BENCHMARK_EXAMS)
    budget: options.Budget = field(options.BUDGET)
    features: Path | None = field(options.BENCHMARK_FEATURES)
    seed: int = field(options.TRAINING_SEED)


def benchmark(request: BenchmarkRequest, progress: Progress) -> Summary:
    """Runs the benchmark.

    Returns:
        `tables`: each with `title`, `columns` and `rows`, as texts; `page`, `files`: the files; `warnings`.
    """
    from NephroSynthLib.training.benchmark import COMPARED, EVERY, BenchmarkOrder
    from NephroSynthLib.training.benchmark import benchmark as compare
    from NephroSynthLib.training.benchmark_tables import tables

    named = [name.strip() for name in request.methods.split(",") if name.strip()]
    methods = EVERY if named == [ALL] else tuple(dict.fromkeys(named))
    order = BenchmarkOrder(
        request.out, methods, request.exams, request.budget, request.settings.device, request.seed, request.features
    )
    rows = compare(order, replace(progress, stage_name="train"))
    short = "A budget of seconds shows that all works; its figures rank nothing."
    return {
        "tables": [vars(table) for table in tables(rows, COMPARED, order.features_in_words)],
        "page": str(request.out / "index.html"),
        "files": [str(request.out / name) for name in ("table.csv", "table.json", "table.md")],
        "warnings": [short] if request.budget == "tiny" else [],
    }
