"""The job `export-result` of Slicer's panel: a result in the formats that the user ticked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.files.outputs import READY, SUMMARY
from NephroSynthLib.files.staging import staged_folder
from NephroSynthLib.jobs.dicom_output import ExportRequest, export_dicom, models_on_record
from NephroSynthLib.jobs.image_descriptions import describe_image
from NephroSynthLib.jobs.request import DicomFolder, Request, Summary
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field


class ExportResultRequest(Request):
    """Writes a result in other formats into a new folder, which appears whole or not at all."""

    source: Path = Field(
        description="Folder with the images of a run as NRRD, its result.json, and the folder 'ready' with files that "
        "are exported as they are."
    )
    out: Path = Field(description="The folder to make.")
    nrrd: bool = Field(description="Whether compressed NRRD is wanted.")
    nifti: bool = Field(description="Whether compressed NIfTI is wanted.")
    dicom_source: DicomFolder | None = Field(
        None, description="Folder with the DICOM files of the non-contrast series; without it no DICOM is written."
    )
    dicom_series: str | None = Field(None, description="UID of that series, where it is known.")
    dicom_excretory: DicomFolder | None = Field(
        None, description="Folder with the DICOM files of the excretory series, if it is known."
    )
    dicom_excretory_series: str | None = Field(None, description="UID of that series, where it is known.")
    deidentify: bool = field(options.DEIDENTIFY)


def export_result(request: ExportResultRequest, progress: Progress) -> Summary:
    """Writes the images, the summary, the files in `ready` and the DICOM objects that are wanted.

    Raises:
        NephroSynthError: If an image cannot be read or a DICOM source does not fit; nothing is left then.
    """
    suffixes = [suffix for suffix, wanted in ((".nrrd", request.nrrd), (".nii.gz", request.nifti)) if wanted]
    saving, warnings = progress.stage("save"), []
    with staged_folder(request.out) as target:
        for file in (request.source / READY).iterdir():
            shutil.move(file, target / file.name)
        if suffixes:
            _save_as(suffixes, request.source, target, saving.part(0.0, 0.5))
            shutil.copyfile(request.source / SUMMARY, target / SUMMARY)
        if request.dicom_source is not None:
            exported = export_dicom(_dicom_request(request, request.dicom_source, target), saving.part(0.5, 1.0))
            warnings = exported["warnings"]
    return {"out": str(request.out), "warnings": warnings}


def _dicom_request(request: ExportResultRequest, source: Path, target: Path) -> ExportRequest:
    kidneys = request.source / "kidneys.nrrd"
    return ExportRequest(
        volume=request.source / "synthetic_nephrographic.nrrd",
        source=source,
        out=target / "dicom",
        kidneys=kidneys if kidneys.exists() else None,
        noncontrast_series=request.dicom_series,
        excretory=request.dicom_excretory,
        excretory_series=request.dicom_excretory_series,
        deidentify=request.deidentify,
    )


def _save_as(suffixes: Sequence[str], folder: Path, target: Path, progress: Progress) -> None:
    import SimpleITK as sitk

    from NephroSynthLib.imaging.image_files import save_image

    images = sorted(folder.glob("*.nrrd"))
    models = models_on_record(folder)
    for index, path in enumerate(images):
        image = sitk.ReadImage(str(path))
        for suffix in suffixes:
            progress.update(index / len(images), f"Writing {path.stem}{suffix}")
            save_image(image, target / f"{path.stem}{suffix}", description=describe_image(path.stem, models))
