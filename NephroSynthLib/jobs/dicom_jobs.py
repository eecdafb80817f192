"""The jobs of the worker process that speak DICOM: phases, export and sending; and the DICOM ends of a whole run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from NephroSynthLib.errors import Action, IdentityError, UnreadableInputError, UsageError
from NephroSynthLib.files.outputs import SUMMARY
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.dicom.equipment import ModelIdentity
    from NephroSynthLib.dicom.index import DicomIndex
    from NephroSynthLib.dicom.input_files import ZipMember
    from NephroSynthLib.dicom.series import Series
    from NephroSynthLib.result import Result

Summary = dict[str, Any]


def need(*libraries: str) -> None:
    """Refuses a job whose libraries of the `dicom` extra are missing.

    Raises:
        UsageError: If one of them is not installed.
    """
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} is not installed.", Action.INSTALL_DICOM)


def phases(progress: Progress, *, folder: str) -> Summary:
    """Which DICOM series is which phase of which exam, how sure, and why."""
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.recognition import recognize_phases

    reading = progress.stage("read")
    index = index_dicom(Path(folder), reading.part(0.0, 0.2))
    report = recognize_phases(index, segment=_kidneys_of, progress=reading.part(0.2, 1.0))
    questions = [question for exam in report.exams for question in exam.questions]
    skipped = [{"file": _place(one.path, Path(folder)), "why": one.reason} for one in index.skipped]
    return {**report.to_dict(), "skipped": skipped, "warnings": questions}


def _kidneys_of(image: sitk.Image) -> sitk.Image:
    """The kidneys that the bundled segmenter finds in a CT."""
    from NephroSynthLib.segmentation.segmenter import segment_kidneys
    from NephroSynthLib.settings import SegmentationSettings

    return segment_kidneys(image, SegmentationSettings()).labels


def export_dicom(
    progress: Progress,
    *,
    volume: str,
    source: str,
    out: str,
    kidneys: str | None = None,
    noncontrast_series: str | None = None,
    excretory: str | None = None,
    excretory_series: str | None = None,
    deidentify: bool = False,
    overwrite: bool = False,
) -> Summary:
    """A synthetic volume, and the kidneys where they are given, as DICOM objects in the study of their source.

    The excretory series, in a place of its own or named in that of the source, is referenced as a source as well.
    """
    need("highdicom")
    import SimpleITK as sitk

    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.series_choice import find_excretory, find_source, has_grid
    from NephroSynthLib.dicom.series_identity import compare_patients
    from NephroSynthLib.dicom.study_export import export_dicom as export
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.imaging.image_files import read_image_file

    reading = progress.stage("read")
    image = read_image_file(Path(volume), "volume", sitk.sitkFloat32)
    labels, notes = (None, []) if kidneys is None else read_kidneys(Path(kidneys), image)
    index = index_dicom(Path(source), reading.part(0.1, 0.5))
    series = find_source(index, image, noncontrast_series, progress=reading.part(0.5, 0.9))
    second = None
    if excretory is not None or excretory_series is not None:
        where = index if excretory is None else index_dicom(Path(excretory), reading.part(0.9, 1.0))
        second = find_excretory(where, excretory_series)
        if compare_patients(series.identity, second.identity) == "different":
            raise IdentityError(
                "The non-contrast and the excretory series are of different patients.", Action.GIVE_ONE_EXAM
            )
    reading.update(1.0)
    models = _models_on_record(Path(volume))
    progress.stage("save").update(0.0, "Writing DICOM")
    exported = export(
        image,
        series,
        Path(out),
        model=models.get("synthesis"),
        kidneys=labels,
        kidney_model=models.get("segmentation"),
        excretory=second,
        taken_series_numbers=_numbers_of_study(index, series),
        deidentified=deidentify,
        overwrite=overwrite,
    )
    progress.stage("save").update(1.0)
    warnings = list(notes)
    if not models:
        warnings.append("The model of the volume is not on record: no result.json lies beside it.")
    if not has_grid(series, image):
        warnings.append(f"The volume has another grid than {series.title}: make sure that it was computed from it.")
    sources = {"source": series.title, **({"excretory": second.title} if second is not None else {})}
    return {"files": len(exported.files), **sources, "warnings": warnings}


def send(
    progress: Progress, *, folder: str, host: str, port: int, ae_title: str, own_ae_title: str, timeout_s: float
) -> Summary:
    """Sends the DICOM files of a folder to a PACS."""
    need("pynetdicom")
    from NephroSynthLib.dicom.input_files import is_dicom
    from NephroSynthLib.dicom.send import PACS
    from NephroSynthLib.dicom.send import send as deliver

    root = Path(folder)
    found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    files = [path for path in found if path.is_file() and path.name.upper() != "DICOMDIR" and is_dicom(path)]
    if not files:
        raise UnreadableInputError("There is no DICOM file to send.", Action.GIVE_DICOM)
    pacs = PACS(host, port, ae_title, own_ae_title, timeout_s)
    deliveries = deliver(files, pacs, progress=replace(progress, stage_name="send"))
    failed = [
        {"file": _place(delivery.path, root), "problem": delivery.problem}
        for delivery in deliveries
        if not delivery.stored
    ]
    warnings = [f"{one['file']} was not stored: {one['problem']}" for one in failed]
    return {"sent": len(files), "stored": len(files) - len(failed), "failed": failed, "warnings": warnings}


@dataclass(frozen=True)
class RunInput:
    """Where the phases of a run are read from, and what to tell about the choice of series."""

    noncontrast: Path | Series
    excretory: Path | Series
    nephrographic: Path | Series | None = None
    notes: tuple[str, ...] = ()
    taken_series_numbers: tuple[int, ...] = ()


def run_input(
    noncontrast: str | None,
    excretory: str | None,
    nephrographic: str | None,
    dicom: str | None,
    named: Mapping[str, str],
    progress: Progress,
) -> RunInput:
    """Where a run reads from: the phases that are given, or the series of a DICOM exam.

    Raises:
        AmbiguousPhasesError: If the phases of the DICOM exam are not clear.
        UsageError: If neither the phases nor a DICOM exam is given.
    """
    if dicom is not None:
        return find_series(Path(dicom), named, progress)
    if noncontrast is None or excretory is None:
        raise UsageError("The phases are missing.", Action.GIVE_PHASES)
    return RunInput(Path(noncontrast), Path(excretory), Path(nephrographic) if nephrographic else None)


def find_series(folder: Path, named: Mapping[str, str], progress: Progress) -> RunInput:
    """The series of the one exam in a heap of DICOM files.

    Args:
        folder: As `index_dicom` takes it.
        named: Series that the user names, by phase ('noncontrast', 'excretory', 'nephrographic').
        progress: Told about the reading.

    Raises:
        AmbiguousPhasesError: If the phases are not clear.
    """
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.series_choice import choose_exam
    from NephroSynthLib.phases.evidence import Phase

    index = index_dicom(folder, progress.part(0.0, 0.2))
    names = {Phase(phase): name for phase, name in named.items()}
    choice = choose_exam(index, names, segment=_kidneys_of, progress=progress.part(0.2, 1.0))
    noncontrast = choice.series[Phase.NONCONTRAST]
    return RunInput(
        noncontrast,
        choice.series[Phase.EXCRETORY],
        choice.series.get(Phase.NEPHROGRAPHIC),
        choice.notes,
        _numbers_of_study(index, noncontrast),
    )


def with_series(given: RunInput, progress: Progress) -> RunInput:
    """The input with the DICOM series that its folders hold, checked for an export after the run.

    Raises:
        GeometryError: If a series has no frame of reference or its slices have no position.
        UnreadableInputError: If a file lacks the UIDs that the export refers to.
        UsageError: If the non-contrast phase is not a DICOM series.
    """
    from NephroSynthLib.dicom.source_series import read_source

    if isinstance(given.noncontrast, Path):
        noncontrast, numbers = _only_series(given.noncontrast, progress.part(0.0, 0.5))
        if isinstance(noncontrast, Path):
            raise UsageError(
                "A result can be written as DICOM only when its phases are DICOM series.", Action.GIVE_DICOM_PHASES
            )
        given = replace(given, noncontrast=noncontrast, taken_series_numbers=numbers)
    if isinstance(given.excretory, Path):
        given = replace(given, excretory=_only_series(given.excretory, progress.part(0.5, 1.0))[0])
    for series in (given.noncontrast, given.excretory):
        if not isinstance(series, Path):
            read_source(series)
    return given


def export_run(result: Result, given: RunInput, out: Path, *, deidentify: bool, overwrite: bool) -> int:
    """Writes what a run has made as DICOM, and gives the number of files."""
    from NephroSynthLib.dicom.study_export import export_dicom as export

    assert not isinstance(given.noncontrast, Path), "with_series comes first"
    exported = export(
        result.synthesis.image,
        given.noncontrast,
        out,
        model=_identity(result.synthesis.model),
        kidneys=result.segmentation.labels,
        kidney_model=_identity(result.segmentation.model),
        excretory=None if isinstance(given.excretory, Path) else given.excretory,
        taken_series_numbers=given.taken_series_numbers,
        deidentified=deidentify,
        overwrite=overwrite,
    )
    return len(exported.files)


def _only_series(path: Path, progress: Progress) -> tuple[Path | Series, tuple[int, ...]]:
    """The one CT series at a path, with the series numbers of its study; the path itself where there is no such one."""
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.imaging.image_files import is_image_file

    if is_image_file(path) or not path.exists():
        return path, ()
    index = index_dicom(path, progress)
    if len(index.volumes) != 1:
        return path, ()
    return index.volumes[0], _numbers_of_study(index, index.volumes[0])


def _numbers_of_study(index: DicomIndex, series: Series) -> tuple[int, ...]:
    return tuple(one.number for one in index.series if one.study_uid == series.study_uid and one.number is not None)


def _models_on_record(volume: Path) -> dict[str, ModelIdentity | None]:
    """The models that `result.json` beside a volume names, by stage; empty if there is none."""
    try:
        models = json.loads((volume.parent / SUMMARY).read_text(encoding="utf-8"))["model"]
        stages = models if "sha256" not in models else {"synthesis": models}
        return {stage: _identity((one["name"], one["sha256"])) for stage, one in stages.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _identity(model: tuple[str, str]) -> ModelIdentity | None:
    """A model's identity; None where the user gave what it would have made."""
    from NephroSynthLib.dicom.equipment import ModelIdentity

    name, sha256 = model
    return ModelIdentity(name, sha256) if sha256 else None


def _place(source: Path | ZipMember, root: Path) -> str:
    """Where a file lies in the folder or zip that was given."""
    if not isinstance(source, Path):
        return source.info.filename
    return str(source.relative_to(root)) if source.is_relative_to(root) and source != root else source.name
