"""The job `phases`: which DICOM series is which phase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from NephroSynthLib.jobs.request import Flag, Request, Summary
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.dicom.input_files import ZipMember


class PhasesRequest(Request):
    """Tells which DICOM series is which phase, how sure that is, and why."""

    folder: Annotated[Path, Flag(metavar="DICOM_DIR", positional=True)] = Field(
        description="Folder, DICOMDIR or zip with any DICOM files."
    )


def phases(request: PhasesRequest, progress: Progress) -> Summary:
    """Recognizes the phases of every exam among DICOM files.

    Returns:
        `exams` with their acquisitions, phases, probabilities and reasons; `set_aside` series; `skipped` files.
    """
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.recognition import recognize_phases

    reading = progress.stage("read")
    index = index_dicom(request.folder, reading.part(0.0, 0.2))
    report = recognize_phases(index, segment=find_kidney_labels, progress=reading.part(0.2, 1.0))
    questions = [question for exam in report.exams for question in exam.questions]
    skipped = [{"file": place_of(one.path, request.folder), "why": one.reason} for one in index.skipped]
    return {**report.to_dict(), "skipped": skipped, "warnings": questions}


def find_kidney_labels(image: sitk.Image) -> sitk.Image:
    """Returns the kidneys that the bundled segmenter finds in a CT, as a label map."""
    from NephroSynthLib.segmentation.segmenter import segment_kidneys
    from NephroSynthLib.settings import SegmentationSettings

    return segment_kidneys(image, SegmentationSettings()).labels


def place_of(source: Path | ZipMember, root: Path) -> str:
    """Returns the place of a file within the folder or zip that was given."""
    if not isinstance(source, Path):
        return source.info.filename
    return str(source.relative_to(root)) if source.is_relative_to(root) and source != root else source.name
