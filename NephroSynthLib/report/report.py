"""The report of a run: one self-contained HTML file with verdicts, pictures, figures and settings."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import SimpleITK as sitk
from markupsafe import Markup

from NephroSynthLib.evaluation.regions import region_statistics
from NephroSynthLib.files.html_page import rendered
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.report import figures, report_tables
from NephroSynthLib.report.figures import ACQUIRED, EXCRETORY, NONCONTRAST, SYNTHETIC
from NephroSynthLib.report.slices import HIGHEST_HU, LOWEST_HU, slice_stack

if TYPE_CHECKING:
    from NephroSynthLib.result import Result

TEMPLATE = "report.html.j2"
VIEWER = "viewer.js"


@dataclass(frozen=True)
class Picture:
    """A figure as data URIs with its caption; `dark` replaces it on a dark page."""

    title: str
    caption: str
    source: str
    dark: str = ""


def write_report(result: Result, path: Path) -> None:
    """Writes the report of a run.

    The file loads nothing from outside and holds no name, identifier or path of the exam, except the label that the
    user gave. Its script scrolls, zooms and windows embedded slices; without scripts the pictures and tables remain.

    Args:
        result: Result of a run. The acquired phase and the uncertainty are shown if they exist.
        path: The HTML file, which is written atomically.

    Raises:
        ResourceError: If the file cannot be written.
    """
    html = rendered(Path(__file__).parent / TEMPLATE, **_content(result))
    with staged_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _content(result: Result) -> dict[str, object]:
    summary = result.summary().model_dump(mode="json")
    phases = _phases(result)
    views = figures.make_views(phases, result.segmentation.labels, result.synthesis.region)
    regions = region_statistics(phases, result.segmentation.labels)
    registrations = {"Excretory phase": summary["registration"]}
    if result.acquired is not None:
        moved = result.acquired.registration
        registrations["Acquired nephrographic phase"] = {"mode": moved.mode, **moved.quality.to_dict()}
    settings = summary["settings"]
    chosen = {stage: settings[stage]["model"] for stage in ("segmentation", "synthesis")}
    metrics = summary["metrics"]
    return {
        "notice": summary["notice"],
        "version": summary["versions"].get("NephroSynth", ""),
        "date": datetime.date.today().isoformat(),
        "label": result.exam.label,
        "slices": _slices(views),
        "viewer": Markup((Path(__file__).parent / VIEWER).read_text(encoding="utf-8")),
        "warnings": [report_tables.without_paths(warning) for warning in summary["warnings"]],
        "notes": [report_tables.without_paths(note) for note in summary["notes"]],
        "verdicts": report_tables.verdicts(
            summary["registration"],
            result.segmentation.volumes_ml,
            regions,
            SYNTHETIC,
            NONCONTRAST,
            metrics,
            result.segmentation.horseshoe,
        ),
        "pictures": _pictures(result, views),
        "tables": [
            *(report_tables.metrics_tables(metrics) if metrics else ()),
            report_tables.region_table(regions),
            report_tables.enhancement_table(summary["enhancement"]),
            report_tables.registration_table(registrations),
        ],
        "details": [
            report_tables.model_table(summary["model"], chosen),
            report_tables.training_table(summary["model"], chosen),
            _grids_table(result),
            report_tables.timings_table(summary["timings_s"], summary["peak_memory_mb"]),
            report_tables.settings_table(settings),
            report_tables.Table("Versions", ("Software", "Version"), tuple(summary["versions"].items()), prose=True),
        ],
    }


def _phases(result: Result) -> dict[str, sitk.Image]:
    phases = {
        NONCONTRAST: result.exam.noncontrast,
        EXCRETORY: result.registration.registered,
        SYNTHETIC: result.synthesis.image,
    }
    return phases if result.acquired is None else {**phases, ACQUIRED: result.acquired.image}


def _slices(views: figures.Views) -> dict[str, object]:
    """Returns the slices and their grid for the script of the page."""
    stack = slice_stack(views.phases, views.anatomy)
    return {
        "names": list(stack.phases),
        "pictures": list(stack.phases.values()),
        "synthetic": SYNTHETIC,
        "count": len(stack.phases[SYNTHETIC]),
        "width": stack.width,
        "height": stack.height,
        "step_mm": stack.step_mm,
        "first": stack.first,
        "lowest": LOWEST_HU,
        "highest": HIGHEST_HU,
    }


def _pictures(result: Result, views: figures.Views) -> list[Picture]:
    pictures = [
        Picture(
            "Phases",
            "Window 400, level 50 HU. The dotted line bounds the region of the diffusion model; outside it the "
            "synthetic phase is the kinetic baseline computed from the two acquired phases.",
            _uri(figures.phases_figure(views)),
        ),
        Picture(
            "Kidney outlines",
            "Outline of the kidneys found in the non-contrast phase, on every phase: right orange, left blue.",
            _uri(figures.outlines_figure(views)),
        ),
        Picture(
            "Registration of the excretory phase",
            "Overlay: non-contrast green, excretory magenta, grey where both agree; contrast in the collecting system "
            "stays magenta. Checkerboard: 2 cm squares of either phase in turn; edges should run on between squares.",
            _uri(figures.registration_figure(views, result.exam.excretory)),
        ),
    ]
    if result.synthesis.uncertainty is not None:
        pictures.append(
            Picture(
                "Uncertainty",
                f"Standard deviation over {result.settings.synthesis.samples} samples of the model. A low value means "
                "that the model repeats itself, not that it is right.",
                _uri(figures.uncertainty_figure(views, result.synthesis.uncertainty)),
            )
        )
    light, dark = (_uri(figures.histogram_figure(views, dark=dark)) for dark in (False, True))
    pictures.append(
        Picture("HU inside the kidneys", "Distribution of HU in both kidneys, phase by phase.", light, dark)
    )
    return pictures


def _grids_table(result: Result) -> report_tables.Table:
    images = {"Non-contrast (reference grid)": result.exam.noncontrast, "Excretory, as acquired": result.exam.excretory}
    if result.exam.nephrographic is not None:
        images["Nephrographic, as acquired"] = result.exam.nephrographic
    rows = tuple(
        (
            name,
            " × ".join(map(str, image.GetSize())),
            " × ".join(f"{step:.2f}" for step in image.GetSpacing()),
            sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection()),
        )
        for name, image in images.items()
    )
    return report_tables.Table("Volumes", ("Volume", "Voxels", "Voxel size (mm)", "Axes nearest to"), rows, prose=True)


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
