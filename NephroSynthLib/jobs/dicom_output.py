"""The jobs that hand DICOM objects on: `export-dicom` and `send`."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.errors import Action, IdentityError, ImageContentError, UnreadableInputError, UsageError
from NephroSynthLib.files.outputs import OTHER_IMAGES, SUMMARY
from NephroSynthLib.files.staging import check_space, file_suffix
from NephroSynthLib.jobs.dicom_phases import place_of
from NephroSynthLib.jobs.image_descriptions import described_image
from NephroSynthLib.jobs.request import DicomFolder, Flag, Request, Summary, WritingRequest
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.dicom.equipment import ModelIdentity
    from NephroSynthLib.dicom.index import DicomIndex
    from NephroSynthLib.dicom.series import Series

_SERIES = "its number or UID, as 'nephrosynth phases' shows them."
NONCONTRAST_SERIES = f"The non-contrast series: {_SERIES}"
EXCRETORY_SERIES = f"The excretory series: {_SERIES}"
NEPHROGRAPHIC_SERIES = f"The acquired nephrographic series, to compare with: {_SERIES}"


class ExportRequest(WritingRequest):
    """Writes a synthetic phase as a CT series into the study of its source."""

    volume: Path = Field(description="Synthetic nephrographic phase: NIfTI, NRRD or MetaImage.")
    source: DicomFolder = Field(description="The DICOM exam that it was computed from.")
    kidneys: Path | None = Field(None, description="Label map, to be written as a DICOM segmentation.")
    noncontrast_series: str | None = Field(None, description=NONCONTRAST_SERIES)
    excretory: DicomFolder | None = Field(
        None, description="Where its excretory phase lies, to be referenced too, if not in the source."
    )
    excretory_series: str | None = Field(None, description=EXCRETORY_SERIES)
    deidentify: bool = field(options.DEIDENTIFY)


def export_dicom(request: ExportRequest, progress: Progress) -> Summary:
    """Writes a synthetic volume, and its kidneys if they are given, as DICOM objects in the study of their source."""
    need_library("highdicom")
    import SimpleITK as sitk

    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.series_choice import find_source, has_grid
    from NephroSynthLib.dicom.study_export import export_dicom as export
    from NephroSynthLib.exam.kidney_labels import read_kidneys
    from NephroSynthLib.imaging.image_files import read_image_file
    from NephroSynthLib.imaging.volume_checks import check_hounsfield

    _check_is_synthetic(request.volume)
    reading = progress.stage("read")
    image = read_image_file(request.volume, "volume", sitk.sitkFloat32)
    check_hounsfield("volume", sitk.GetArrayViewFromImage(image))
    check_space(request.out, 2 * image.GetNumberOfPixels())  # 16 bits a voxel
    labels, doubts = (None, []) if request.kidneys is None else read_kidneys(request.kidneys, image)
    index = index_dicom(request.source, reading.part(0.1, 0.5))
    series = find_source(index, image, request.noncontrast_series, progress=reading.part(0.5, 0.8))
    _check_is_not_acquired(image, index, reading.part(0.8, 0.9))
    excretory = _excretory(request, index, series, reading.part(0.9, 1.0))
    reading.update(1.0)
    models = {stage: model_identity(one) for stage, one in models_on_record(request.volume.parent).items()}
    progress.stage("save").update(0.0, "Writing DICOM")
    exported = export(
        image,
        series,
        request.out,
        model=models.get("synthesis"),
        kidneys=labels,
        kidney_model=models.get("segmentation"),
        excretory=excretory,
        taken_series_numbers=numbers_of_study(index, series),
        deidentified=request.deidentify,
        overwrite=request.overwrite,
    )
    progress.stage("save").update(1.0)
    warnings = list(doubts)
    if not models:
        warnings.append("The model of the volume is not on record: no result.json lies beside it.")
    if not has_grid(series, image):
        warnings.append(f"The volume has another grid than {series.title}: make sure that it was computed from it.")
    sources = {"source": series.title, **({"excretory": excretory.title} if excretory is not None else {})}
    return {"files": len(exported.files), **sources, "warnings": warnings}


def _check_is_synthetic(volume: Path) -> None:
    """Refuses the other images of a result, since the export would call them synthetic.

    Raises:
        ImageContentError: If the file has the description of one, or no description and the name of one.
    """
    name = described_image(volume) or volume.name.removesuffix(file_suffix(volume))
    if name in OTHER_IMAGES:
        raise ImageContentError(
            f"The volume is the image '{name}' of a result, not the synthetic nephrographic phase.",
            Action.GIVE_SYNTHETIC,
        )


def _check_is_not_acquired(image: sitk.Image, index: DicomIndex, progress: Progress) -> None:
    """Refuses a volume whose voxels are those of a series of the source.

    Raises:
        ImageContentError: If there is such a series.
    """
    import numpy as np
    import SimpleITK as sitk

    from NephroSynthLib.dicom.series_choice import has_grid
    from NephroSynthLib.dicom.series_reading import read_series
    from NephroSynthLib.imaging.grids import AIR_HU

    alike = [series for series in index.volumes if has_grid(series, image)]
    for number, series in enumerate(alike):
        acquired = read_series(series, progress.part(number / len(alike), (number + 1) / len(alike))).image
        if np.array_equal(*(np.maximum(sitk.GetArrayViewFromImage(one), AIR_HU) for one in (image, acquired))):
            raise ImageContentError(
                f"The volume is that of {series.title}, not the synthetic nephrographic phase.", Action.GIVE_SYNTHETIC
            )


class SendRequest(Request):
    """Sends DICOM files to a PACS (C-STORE)."""

    folder: Annotated[Path, Flag(positional=True)] = Field(
        description="Folder with the DICOM files to send, or one file."
    )
    host: str = Field(description="Name or address of the PACS.")
    port: int = field(options.PORT)
    ae_title: Annotated[str, Flag(name="aet")] = field(options.AE_TITLE)
    own_ae_title: Annotated[str, Flag(name="own-aet")] = field(options.OWN_AE_TITLE)
    timeout_s: Annotated[float, Flag(name="timeout")] = field(options.TIMEOUT)


def send(request: SendRequest, progress: Progress) -> Summary:
    """Sends the DICOM files of a folder to a PACS.

    Returns:
        Counts `sent` and `stored`; `failed`: file and problem of each that was not stored.
    """
    need_library("pynetdicom")
    from NephroSynthLib.dicom.input_files import is_dicom
    from NephroSynthLib.dicom.send import PACS
    from NephroSynthLib.dicom.send import send as deliver

    root = request.folder
    found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    files = [path for path in found if path.is_file() and path.name.upper() != "DICOMDIR" and is_dicom(path)]
    if not files:
        raise UnreadableInputError("There is no DICOM file to send.", Action.GIVE_DICOM)
    pacs = PACS(request.host, request.port, request.ae_title, request.own_ae_title, request.timeout_s)
    deliveries = deliver(files, pacs, progress=replace(progress, stage_name="send"))
    failed = [
        {"file": place_of(delivery.path, root), "problem": delivery.problem}
        for delivery in deliveries
        if not delivery.stored
    ]
    warnings = [f"{one['file']} was not stored: {one['problem']}" for one in failed]
    return {"sent": len(files), "stored": len(files) - len(failed), "failed": failed, "warnings": warnings}


def need_library(name: str) -> None:
    """Refuses a job whose library of the `dicom` extra is missing.

    Raises:
        UsageError: If it is not installed.
    """
    if importlib.util.find_spec(name) is None:
        raise UsageError(f"{name} is not installed.", Action.INSTALL_DICOM)


def numbers_of_study(index: DicomIndex, series: Series) -> tuple[int, ...]:
    """Returns the series numbers that the study of a series has already."""
    return tuple(one.number for one in index.series if one.study_uid == series.study_uid and one.number is not None)


def model_identity(model: tuple[str, str]) -> ModelIdentity | None:
    """Returns the identity of a model from its name and sha256; None where the user gave the model's part."""
    from NephroSynthLib.dicom.equipment import ModelIdentity

    name, sha256 = model
    return ModelIdentity(name, sha256) if sha256 else None


def _excretory(request: ExportRequest, index: DicomIndex, source: Series, progress: Progress) -> Series | None:
    """Returns the excretory series to reference, from its own folder or from the source; None if none is named."""
    from NephroSynthLib.dicom.index import index_dicom
    from NephroSynthLib.dicom.series_choice import find_excretory
    from NephroSynthLib.dicom.series_identity import compare_patients

    if request.excretory is None and request.excretory_series is None:
        return None
    where = index if request.excretory is None else index_dicom(request.excretory, progress)
    series = find_excretory(where, request.excretory_series)
    if compare_patients(source.identity, series.identity) == "different":
        raise IdentityError(
            "The non-contrast and the excretory series are of different patients.", Action.GIVE_ONE_EXAM
        )
    return series


def models_on_record(folder: Path) -> dict[str, tuple[str, str]]:
    """Returns name and sha256 of the models that `result.json` in a folder names, by stage; empty if there is none."""
    try:
        models = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["model"]
        stages = models if "sha256" not in models else {"synthesis": models}
        return {stage: (str(one["name"]), str(one["sha256"])) for stage, one in stages.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
