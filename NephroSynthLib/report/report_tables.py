"""The verdicts and tables of a report, from the figures of a result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from NephroSynthLib.errors import ModelError
from NephroSynthLib.evaluation.regions import RegionStatistics
from NephroSynthLib.files.decimals import beside
from NephroSynthLib.models.bundle import ModelBundle, load_bundle
from NephroSynthLib.models.training_data import training_data

State = Literal["good", "caution", "plain"]

_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[\\/]{1,2}(?=\S)(?:[^\\/:;,'\"()\n]+[\\/])+")
_TISSUES = {"inner": "inner part"}
_FIGURES = {
    "psnr_db": ("PSNR", "dB", 2),
    "ssim": ("SSIM, 3D", "", 3),
    "ms_ssim": ("MS-SSIM, axial", "", 3),
    "mae_hu": ("Mean absolute error", "HU", 2),
    "rmse_hu": ("Root mean square error", "HU", 2),
    "bias_hu": ("Bias, synthetic − acquired", "HU", 2),
    "ncc": ("Normalized cross-correlation", "", 3),
}


@dataclass(frozen=True)
class Verdict:
    """A box at the top of the report: a title, the finding, and its figures."""

    title: str
    state: State
    headline: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: its first column is text, the others are figures, unless `prose`."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    prose: bool = False


def without_paths(text: str) -> str:
    """Returns a text in which each path is replaced by its file name."""
    return _PATH.sub("", text)


def verdicts(
    registration: Mapping[str, Any],
    volumes: Mapping[str, float],
    regions: Iterable[RegionStatistics],
    synthetic: str,
    noncontrast: str,
    metrics: Mapping[str, Any] | None,
    horseshoe: bool = False,
) -> list[Verdict]:
    """Returns the boxes at the top: registration, kidneys, enhancement, and agreement with an acquired phase.

    Args:
        registration: The mode and the figures of quality, as in result.json.
        volumes: Volume of each kidney in ml, by side.
        regions: HU by kidney and phase.
        synthetic: Name of the synthetic phase in `regions`.
        noncontrast: Name of the non-contrast phase in `regions`.
        metrics: The comparison, as in result.json.
        horseshoe: Whether the kidneys are joined across the midline.
    """
    passed = bool(registration["passed"])
    after, gate = beside(registration["ssim_after"], registration["gate"])
    found = [
        Verdict(
            "Registration",
            "good" if passed else "caution",
            "Passed its gate" if passed else "Below its gate: judge the alignment by eye",
            (
                f"SSIM {_number(registration['ssim_before'])} → {after.replace('-', '−')} at the kidneys",
                f"gate {gate}, mode {registration['mode']}",
            ),
        ),
        _kidneys(volumes, horseshoe),
        Verdict("Synthetic enhancement", "plain", *_enhancement(regions, synthetic, noncontrast)),
    ]
    if metrics is not None:
        found.append(_agreement(metrics))
    return found


def _kidneys(volumes: Mapping[str, float], horseshoe: bool) -> Verdict:
    """Returns the box that states which kidneys were found."""
    figures = tuple(f"{side} {volume:.0f} ml" for side, volume in volumes.items())
    if horseshoe:
        return Verdict("Kidneys", "caution", "Horseshoe kidney, cut at the midline", figures)
    if len(volumes) == 2:
        return Verdict("Kidneys", "good", "Both found", figures)
    return Verdict("Kidneys", "caution", f"Only the {next(iter(volumes), 'no')} kidney found", figures)


def metrics_tables(metrics: Mapping[str, Any]) -> list[Table]:
    """Returns the tables of the similarity to the acquired phase and of the agreement of the kidneys."""
    parts = {f"{metrics['region']}": metrics["around"], "inside the kidneys": metrics["inside"]}
    columns = [
        (f"{name}, {label}", part[key])
        for key, label in (("window", "window 400/50"), ("hu", "all HU"))
        for name, part in parts.items()
        if part is not None
    ]
    rows = [
        (f"{title} ({unit})" if unit else title, *(_number(values[key], digits) for _, values in columns))
        for key, (title, unit, digits) in _FIGURES.items()
    ]
    rows.append(("Voxels compared", *(f"{values['voxels']:,}" for _, values in columns)))
    covered = 100 * float(metrics["covered"])
    tables = [
        *_reference_tables(metrics),
        Table(
            "Synthetic against acquired phase",
            ("", *(_sentence(name) for name, _ in columns)),
            tuple(rows),
            "Data range of PSNR and SSIM: 400 HU in the window, 4095 for all HU. SSIM: Gaussian, 11 voxels, sigma 1.5. "
            f"The acquired phase covers {covered:.1f} % of the region. Fréchet distance of texture features: "
            f"{_number(metrics['frechet_distance'])}; it compares only with results of this software, with no "
            "published FID or FVD. For orientation, the dsSNICT paper reports for its own patients PSNR 26.3 ± 4.4 dB, "
            "SSIM 0.84 ± 0.07, MAE 12.7 ± 5.2 HU.",
        ),
    ]
    if metrics["kidneys"]:
        rows = [
            (
                _sentence(side),
                _number(o["dice"], 3),
                _number(o["mean_surface_distance_mm"]),
                _number(o["hausdorff95_mm"], 1),
            )
            for side, o in metrics["kidneys"].items()
        ]
        header = ("Kidney", "Dice", "Mean surface distance (mm)", "95 % Hausdorff distance (mm)")
        tables.append(Table("Kidneys segmented on the synthetic against the acquired phase", header, tuple(rows)))
    return tables


def _reference_tables(metrics: Mapping[str, Any]) -> Iterator[Table]:
    """Yields the table that sets the synthetic phase beside the images that need no model."""
    compared = {"Synthetic phase": metrics, **{_sentence(name): one for name, one in metrics["references"].items()}}
    if len(compared) == 1:
        return
    rows = []
    for name, one in compared.items():
        parts = [one["around"]["window"], one["inside"]["window"] if one["inside"] is not None else None]
        figures = [_number(part[key] if part else None, 1) for part in parts for key in ("psnr_db", "mae_hu")]
        rows.append((name, *figures))
    places = (_sentence(metrics["region"]), "Inside the kidneys")
    header = ("", *(f"{place}, {figure}" for place in places for figure in ("PSNR (dB)", "MAE (HU)")))
    note = (
        "All against the acquired phase, in the window 400/50. A model is of use only where it is nearer to the "
        "acquired phase than the registered excretory phase and the kinetic baseline, which needs no model."
    )
    yield Table("Synthetic phase beside images without a model", header, tuple(rows), note)


def region_table(statistics: list[RegionStatistics]) -> Table:
    """Returns the table of HU by region and phase."""
    phases = list(dict.fromkeys(row.phase for row in statistics))
    cells = {(row.side, row.tissue, row.phase): row for row in statistics}
    rows = []
    for side, tissue in dict.fromkeys((row.side, row.tissue) for row in statistics):
        found = [cells.get((side, tissue, phase)) for phase in phases]
        volume = next(row.volume_ml for row in found if row)
        shown = (_spread(row) if row else "–" for row in found)
        rows.append((f"{_sentence(side)} {_TISSUES.get(tissue, tissue)}", f"{volume:.0f}", *shown))
    note = (
        "HU as mean ± standard deviation (median). Cortex: the outer 6 mm of the kidney; inner: the rest, "
        "with medulla, sinus and pelvis; surroundings: 2 to 10 mm outside the kidney."
    )
    return Table("HU by region and phase", ("Region", "Volume (ml)", *phases), tuple(rows), note)


def enhancement_table(enhancement: Mapping[str, Any]) -> Table:
    """Returns the table of the enhancement that the kinetic model estimates, as in result.json."""
    rows = tuple(
        (
            _sentence(tissue),
            f"{_number(enhancement[tissue]['mean_hu'], 0)} ± {_number(enhancement[tissue]['sd_hu'], 0)}",
        )
        for tissue in ("cortex", "medulla")
    )
    measured = ", ".join(
        f"{name} {_number(value, 0)}"
        for name, value in enhancement["measured_excretory"].items()
        if value is not None and not name.endswith("_ml")
    )
    note = (
        "Mean ± standard deviation of the fit of a kinetic model to the enhancement of the excretory phase "
        f"({measured or 'nothing measured'}; HU) and to the delays, weight, dose and filtration rate that are known. "
        "It is an input of the synthesis; the synthetic volume is not measured for this table."
    )
    method = enhancement["method"]
    return Table(f"Nephrographic enhancement, {method}", ("Tissue", "Enhancement (HU)"), rows, note)


def registration_table(registrations: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns the table of the figures of each registration, by the name of the moving phase."""
    rows: list[tuple[str, ...]] = []
    sides = list(dict.fromkeys(side for r in registrations.values() for side in r["kidney_shift_mm"]))

    def add(name: str, cells: Iterator[str]) -> None:
        rows.append((name, *cells))

    every = registrations.values()
    add("Mode", (str(r["mode"]) for r in every))
    add("SSIM as acquired", (_number(r["ssim_before"], 3) for r in every))
    add("SSIM after the affine stage", (_number(r["ssim_affine"], 3) for r in every))
    judged = [beside(r["ssim_after"], r["gate"], 3) for r in every]
    add("SSIM as returned", (after.replace("-", "−") for after, _ in judged))
    add("Gate", (gate for _, gate in judged))
    add("Least Jacobian determinant", (_number(r["min_jacobian"], 3) for r in every))
    for side in sides:
        before, after = "kidney_dice_before", "kidney_dice_after"
        add(
            f"{_sentence(side)} kidney, Dice before → after",
            (f"{_number(r[before].get(side), 3)} → {_number(r[after].get(side), 3)}" for r in every),
        )
        add(f"{_sentence(side)} kidney, shift L / P / S (mm)", (_shift(r["kidney_shift_mm"].get(side)) for r in every))
    if any(r.get("landmarks") for r in every):
        add("Landmarks, mean and worst distance (mm)", (_landmarks(r.get("landmarks"), "registered") for r in every))
        add("Landmarks left out of the fit, the same", (_landmarks(r.get("landmarks"), "held_out") for r in every))
    note = (
        "SSIM around the kidneys in the window 400/50. The shift is that of the kidney's centroid, positive to the "
        "left, posterior and superior, with its length. A positive Jacobian determinant means that nothing folds."
    )
    return Table("Registration to the non-contrast phase", ("", *registrations), tuple(rows), note)


def _landmarks(errors: Mapping[str, Any] | None, which: str) -> str:
    """Returns mean and largest error at the landmarks, of one kind."""
    if errors is None or errors[f"{which}_mean"] is None:
        return "–"
    return f"{_number(errors[f'{which}_mean'], 1)} and {_number(errors[f'{which}_worst'], 1)}"


def model_table(models: Mapping[str, Any], chosen: Mapping[str, str]) -> Table:
    """Returns the table of the models in `chosen` (stage to name or path) whose bundles can still be read."""
    rows = []
    for stage, model in models.items():
        card = ("–", "–", "–")
        bundle = _bundle(chosen.get(stage, ""), model["sha256"])
        if bundle is not None:
            learned = _sentence(training_data(bundle.metadata.training).value)
            card = (bundle.metadata.title, learned, bundle.metadata.licence)
        rows.append((_sentence(stage), without_paths(model["name"]), *card, model["sha256"][:16] or "–"))
    header = ("Stage", "Model", "Method", "Trained on", "Licence", "sha256, first 16")
    return Table("Models", header, tuple(rows), prose=True)


def training_table(models: Mapping[str, Any], chosen: Mapping[str, str]) -> Table:
    """Returns the table of the exams, with their seeds, of the last training of each model that can still be read."""
    rows = []
    for stage, model in models.items():
        bundle = _bundle(chosen.get(stage, ""), model["sha256"])
        if bundle is not None:
            data = str(bundle.metadata.training.get("data", "not stated"))
            rows.append((_sentence(stage), "", without_paths(data)))
    return Table("Exams of the last training", ("Stage", "", "Exams"), tuple(rows), prose=True)


def _bundle(name: str, sha256: str) -> ModelBundle | None:
    """Returns a bundle; None if it cannot be read, or is another one than that which was used."""
    try:
        bundle = load_bundle(name)
    except ModelError:
        return None
    return bundle if bundle.sha256 == sha256 else None


def settings_table(settings: Mapping[str, Any]) -> Table:
    """Returns the table of all settings; nested settings have dotted names."""
    return Table("Settings", ("Setting", "Value"), tuple(_flat(settings)), prose=True)


def timings_table(timings_s: Mapping[str, float], peak_memory_mb: float) -> Table:
    """Returns the table of seconds by stage, their sum and the peak memory.

    The report is written before a run ends, so it cannot tell the time of the whole run, and says so.
    """
    rows = [(_sentence(stage), f"{seconds:.1f} s") for stage, seconds in timings_s.items()]
    rows += [
        ("These stages together", f"{sum(timings_s.values()):.1f} s"),
        ("Peak memory", f"{peak_memory_mb:.0f} MiB"),
    ]
    note = "Without the start of the process, reading and writing, which the time of the whole run has too."
    return Table("Time and memory", ("Stage", "Used"), tuple(rows), note)


def _agreement(metrics: Mapping[str, Any]) -> Verdict:
    window, inside = metrics["around"]["window"], metrics["inside"]
    lines = [f"SSIM {_number(window['ssim'], 3)}, NCC {_number(window['ncc'], 3)} {metrics['region']}"]
    for name, one in metrics["references"].items():
        lines.append(f"{name}: PSNR {_number(one['around']['window']['psnr_db'], 1)} dB")
    if inside is not None:
        lines.append(f"MAE {_number(inside['window']['mae_hu'], 1)} HU inside the kidneys")
    return Verdict("Agreement with acquired", "plain", f"PSNR {_number(window['psnr_db'], 1)} dB", tuple(lines))


def _enhancement(regions: Iterable[RegionStatistics], synthetic: str, noncontrast: str) -> tuple[str, tuple[str, ...]]:
    """Returns the gain of the median HU, which cysts and stones do not shift as they shift a mean."""
    medians: dict[str, dict[str, float]] = {}
    for row in regions:
        if row.tissue == "kidney":
            medians.setdefault(row.side, {})[row.phase] = row.median_hu
    pairs = {
        side: (hu[noncontrast], hu[synthetic]) for side, hu in medians.items() if {noncontrast, synthetic} <= hu.keys()
    }
    if not pairs:
        return "Not measurable", ()
    gain = sum(after - before for before, after in pairs.values()) / len(pairs)
    lines = tuple(f"{side} {_number(before, 0)} → {_number(after, 0)} HU" for side, (before, after) in pairs.items())
    return f"{_number(gain, 0, sign='+')} HU in the kidneys", ("median, non-contrast → synthetic", *lines)


def _shift(shift: Mapping[str, float] | None) -> str:
    if shift is None:
        return "–"
    parts = " / ".join(_number(shift[axis], 1, sign="+") for axis in ("left", "posterior", "superior"))
    return f"{parts} (length {_number(shift['norm'], 1)})"


def _spread(row: RegionStatistics) -> str:
    return f"{_number(row.mean_hu, 0)} ± {_number(row.sd_hu, 0)} ({_number(row.median_hu, 0)})"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            text = (
                " × ".join(map(str, value))
                if isinstance(value, (list, tuple))
                else str("–" if value is None else value)
            )
            yield f"{prefix}{key}", without_paths(text)


def _number(value: float | None, digits: int = 2, sign: str = "") -> str:
    if value is None:
        return "–"
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
