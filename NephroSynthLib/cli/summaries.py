"""Prints the summary of a command for a person at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from NephroSynthLib.cli.model_tables import models_table
from NephroSynthLib.cli.reader_tables import agreement_lines, readers_table
from NephroSynthLib.files.decimals import beside
from NephroSynthLib.files.outputs import REPORT

Summary = dict[str, Any]
Row = tuple[str, str]

_WIDEST = 10_000  # a table keeps its natural width, and the terminal wraps its lines, so that no cell is cut


def print_summary(command: str, summary: Summary, out: Path | None, seconds: float) -> None:
    """Prints the summary of a job and the place of its files on standard output.

    Args:
        command: The job.
        summary: Its summary.
        out: The folder that it wrote; None if it wrote none.
        seconds: Wall-clock time of the whole job, with the start of its process.
    """
    console = Console(highlight=False, soft_wrap=True, width=_WIDEST)
    for table in _tables(command, summary, seconds):
        if table.row_count:
            _print_table(table, console)
    for line in _places(command, summary, out):
        console.print(Text(line))
    if "notice" in summary:
        console.print(Text(summary["notice"], style="dim"))


def _tables(command: str, summary: Summary, seconds: float) -> Iterator[Table]:
    if command == "benchmark":
        yield from _benchmark(summary)
    else:
        yield _TABLES[command](summary) if command in _TABLES else _figures(summary, seconds)


def _print_table(table: Table, console: Console) -> None:
    """Prints a table without the spaces that fill its last column, which a terminal would wrap into empty lines."""
    for line in console.render_lines(table, pad=False):
        text = Text.assemble(*((part.text, part.style or "") for part in line))
        text.rstrip()
        console.print(text)


def _figures(summary: Summary, seconds: float) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    sections = (_registration, _transformation, _segmentation, _enhancement, _metrics, _cohort)
    rows = [row for section in sections for row in section(summary)]
    for name, value in (*rows, *_cost(summary, seconds)):
        table.add_row(Text(name, style="bold"), Text(value))
    return table


def _registration(summary: Summary) -> Iterator[Row]:
    found = summary.get("registration")
    if found:
        verdict = "reached" if found["passed"] else "missed"
        yield "registration", str(found["mode"])
        after, gate = beside(found["ssim_after"], found["gate"])
        yield "SSIM around the kidneys", f"{found['ssim_before']:.2f} before, {after} after"
        yield "quality gate", f"{gate}, {verdict}"
        if found.get("landmarks"):
            yield "landmarks", _landmarks(found["landmarks"])


def _landmarks(errors: Summary) -> str:
    """Returns the errors at the landmarks in words."""
    text = (
        f"{errors['pairs']} pairs; mean distance {errors['registered_mean']:.1f} mm after the registration "
        f"(worst {errors['registered_worst']:.1f}), {errors['fit_mean']:.1f} mm of the fitted map"
    )
    held_out = errors["held_out_mean"]
    return text if held_out is None else f"{text}, {held_out:.1f} mm at pairs left out of the fit"


def _transformation(summary: Summary) -> Iterator[Row]:
    if "inverse_error_mm" in summary:
        start, end = (_in_words(summary[key]) for key in ("from", "to"))
        yield "carried", f"from the {start} to the {end} frame"
        if summary["inverse_error_mm"] is not None:
            yield "error of the inverse", f"at most {summary['inverse_error_mm']:.2f} mm"


def _segmentation(summary: Summary) -> Iterator[Row]:
    found = summary.get("segmentation", {})
    volumes = found.get("noncontrast", found)
    for side, volume in volumes.items():
        yield f"{side} kidney", f"{volume:.0f} ml"


def _enhancement(summary: Summary) -> Iterator[Row]:
    found = summary.get("enhancement")
    if found:
        parts = (f"{name} {found[name]['mean_hu']:.0f} ± {found[name]['sd_hu']:.0f}" for name in ("cortex", "medulla"))
        yield "enhancement", f"{', '.join(parts)} HU ({found['method']})"


def _metrics(summary: Summary) -> Iterator[Row]:
    metrics = summary.get("metrics")
    if not metrics:
        return
    for place, region in ((metrics["region"], metrics["around"]), ("inside the kidneys", metrics["inside"])):
        if region:
            figures = region["window"]
            yield place, f"PSNR {figures['psnr_db']:.1f} dB, SSIM {figures['ssim']:.3f}, MAE {figures['mae_hu']:.1f} HU"


def _cohort(summary: Summary) -> Iterator[Row]:
    if "skipped" in summary:
        yield "exams to train on", str(summary["cases"])
        yield "held-out exams", ", ".join(summary["held_out"]) or "none"
        for name, why in summary["skipped"].items():
            yield f"left out: {name}", why


def _benchmark(summary: Summary) -> Iterator[Table]:
    for one in summary["tables"]:
        table = Table(one["title"], *one["columns"], box=None, padding=(0, 2, 0, 0))
        for row in one["rows"]:
            table.add_row(*(Text(cell) for cell in row))
        table.add_row()
        yield table


def _cost(summary: Summary, seconds: float) -> Iterator[Row]:
    if "timings_s" in summary:
        yield "time", f"{seconds:.0f} s"
        yield "peak memory", f"{summary['peak_memory_mb'] / 1024:.1f} GiB"


def _places(command: str, summary: Summary, out: Path | None) -> Iterator[str]:
    if command in ("run", "demo"):
        yield f"Report: {Path(out or '') / REPORT}"
    elif command == "cohort run":
        yield from (f"Table: {summary['table']}", f"Report: {summary['report']}")
    elif command == "cohort manifest":
        yield f"Manifest: {summary['manifest']}"
    elif command == "reader-study make":
        yield from (f"For readers: {summary['page']}", f"Key, not for readers: {summary['key']}")
    elif command == "reader-study evaluate":
        yield from agreement_lines(summary)
    elif command == "phases":
        yield from _reasons(summary)
    elif command == "simulate":
        yield from (f"Simulated exam: {folder}" for folder in summary["exams"])
    elif command == "benchmark":
        yield f"Page: {summary['page']}"
    elif command == "train":
        yield f"Bundle: {summary['bundle']}"
    elif out is not None:
        yield f"Result: {out}"


def _phases(summary: Summary) -> Table:
    table = Table("exam", "series", "images", "spacing (mm)", "phase", "sure", box=None, padding=(0, 2, 0, 0))
    for number, exam in enumerate(summary["exams"], start=1):
        for one in exam["acquisitions"]:
            sure = f"{one['probability']:.0%}{'' if one['sure'] else ', ask'}"
            name = f"{number} (patient {exam['patient']})"
            cells = (name, _number(one), str(one["images"]), _spacing(one), _in_words(one["phase"]), sure)
            table.add_row(*(Text(cell) for cell in cells))
    for one in summary["set_aside"]:
        table.add_row("-", _number(one), str(one["images"]), _spacing(one), Text(f"none: {one['why']}"), "")
    for why, count in Counter(one["why"] for one in summary["skipped"]).items():
        files = "1 file" if count == 1 else f"{count} files"
        table.add_row("-", "", files, "", Text(f"none: {why}"), "")
    return table


def _reasons(summary: Summary) -> Iterator[str]:
    for one in (one for exam in summary["exams"] for one in exam["acquisitions"]):
        yield f"Series {_number(one)}, {_in_words(one['phase'])}: {'; '.join(reason['what'] for reason in one['why'])}"
        yield from (f"  also in series {number}" for number in one["reconstructions"])
        yield from (f"  but {contradiction}" for contradiction in one["contradictions"])


def _in_words(phase: str) -> str:
    return phase.replace("noncontrast", "non-contrast")


def _spacing(series: Summary) -> str:
    """Returns the voxel size of a series along x, y and z."""
    return " × ".join(f"{step:.3g}" for step in series["spacing_mm"] or ())


def _number(series: Summary) -> str:
    """Returns the number that names a series, with the number of its part if the series is split."""
    number = "?" if series["series"] is None else str(series["series"])
    return f"{number}.{series['part']}" if series.get("part") else number


def _sending(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row(Text("stored", style="bold"), f"{summary['stored']} of {summary['sent']}")
    return table


def _cohort_run(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    done = summary["exams"] - len(summary["failed"])
    table.add_row(Text("exams", style="bold"), f"{done} of {summary['exams']} done, {summary['reused']} as before")
    table.add_row(
        Text("quality gate", style="bold"), f"{summary['gate_reached']} reached, {summary['gate_missed']} missed"
    )
    for name, why in summary["failed"].items():
        table.add_row(Text(f"failed: {name}", style="bold"), Text(why))
    table.add_row(Text("time", style="bold"), f"{summary['seconds']:.0f} s")
    return table


def _cohort_manifest(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row(Text("exams", style="bold"), str(summary["exams"]))
    for name, why in summary["unclear"].items():
        table.add_row(Text(f"unclear: {name}", style="bold"), Text(why))
    return table


def _generated(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    images = summary["images"]
    table.add_row(Text("generator", style="bold"), Text(summary["title"]))
    table.add_row(Text("model", style="bold"), Text(f"{summary['model']}, learned from {summary['learned_from']}"))
    more = "" if len(images) == 1 else f" to {images[-1]['file']}"
    table.add_row(Text("images", style="bold"), Text(f"{len(images)}: {images[0]['file']}{more}"))
    return table


def _study(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row(Text("study", style="bold"), summary["study"])
    table.add_row(Text("pictures", style="bold"), f"{summary['pictures']} of {summary['exams']} exams")
    return table


_TABLES = {
    "generate": _generated,
    "models": models_table,
    "phases": _phases,
    "send": _sending,
    "cohort run": _cohort_run,
    "cohort manifest": _cohort_manifest,
    "reader-study make": _study,
    "reader-study evaluate": readers_table,
}
