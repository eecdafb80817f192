"""Simulated exams as the CT series of one study; every header says that nobody was scanned."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path

import SimpleITK as sitk
from pydicom.dataset import Dataset

from NephroSynthLib import __version__
from NephroSynthLib.dicom.ct_writing import write_ct_series

MANUFACTURER = "NephroSynth simulator"
DESCRIPTIONS: Mapping[str, str] = {
    "noncontrast": "Simulated abdomen non-contrast",
    "nephrographic": "Simulated abdomen nephrographic phase",
    "excretory": "Simulated abdomen excretory phase",
}
DELAYS_S: Mapping[str, float | None] = {"noncontrast": None, "nephrographic": 100.0, "excretory": 600.0}
_NAMESPACE = uuid.UUID("6f0d4d0e-4b0f-5d0c-9b57-8d6f4a1f7c11")
_STUDY_START = datetime.datetime(2000, 1, 1, 9, 0)
_INJECTION = _STUDY_START + datetime.timedelta(minutes=5)


def write_simulated_study(
    images: Mapping[str, sitk.Image],
    folder: Path,
    *,
    seed: int,
    descriptions: Mapping[str, str] = DESCRIPTIONS,
    delays_s: Mapping[str, float | None] = DELAYS_S,
) -> dict[str, list[Path]]:
    """Writes each phase as a CT series of one study, in a sub-folder named after the phase.

    The same seed and images give the same UIDs and the same bytes; other images get other UIDs.

    Args:
        images: Phases by name, HU, each on its own grid; their order is the order of the series numbers.
        folder: The folder in which the sub-folders are made.
        seed: The seed of the simulated exam; study and instances are identified by it.
        descriptions: Series description of each phase; empty ones are left out.
        delays_s: Seconds from the injection to the scan of each phase; None for a phase without contrast tags.

    Returns:
        The files of each phase, in the order of its slices.

    Raises:
        GeometryError: If rows and columns of an image are not at right angles.
        ImageContentError: If an image cannot be stored as CT.

    Example:
        images = to_images(simulate(900_001))
        phases = {phase: images[phase] for phase in DESCRIPTIONS}
        write_simulated_study(phases, Path("study"), seed=900_001)
    """
    files = {}
    for number, (phase, image) in enumerate(images.items(), start=1):
        header = _study_header(seed)
        series = f"{phase} {number} {_digest(image)}"
        _add_series(header, _uid(seed, series), number, descriptions.get(phase, ""), delays_s.get(phase))
        uids = [_uid(seed, f"{series} slice {index}") for index in range(image.GetDepth())]
        files[phase] = write_ct_series(image, folder / phase, header, uids, descending=True)
    return files


def _study_header(seed: int) -> Dataset:
    header = Dataset()
    header.PatientName = "Simulated^Exam"
    header.PatientID = f"SIMULATED-{seed}"
    header.PatientBirthDate = header.PatientSex = ""
    header.QualityControlSubject = "YES"
    header.PatientComments = "Simulated CT urography exam; no person was scanned."
    header.StudyInstanceUID = _uid(seed, "study")
    header.StudyID = str(seed)[-16:]
    header.StudyDate, header.StudyTime = _date_time(_STUDY_START)
    header.StudyDescription = "Simulated CT urography"
    header.AccessionNumber = header.ReferringPhysicianName = ""
    header.FrameOfReferenceUID = _uid(seed, "frame of reference")
    header.PositionReferenceIndicator = ""
    header.Manufacturer = MANUFACTURER
    header.ManufacturerModelName = "NephroSynth"
    header.SoftwareVersions = __version__
    header.ContentQualification = "RESEARCH"
    return header


def _add_series(header: Dataset, uid: str, number: int, description: str, delay_s: float | None) -> None:
    header.Modality = "CT"
    header.SeriesInstanceUID = uid
    header.SeriesNumber = header.AcquisitionNumber = number
    if description:
        header.SpecificCharacterSet = "ISO_IR 192"
        header.SeriesDescription = description
    header.BodyPartExamined = "ABDOMEN"
    header.PatientPosition = "HFS"
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "SIMULATED"]
    header.ImageComments = "Simulated by NephroSynth; no person was scanned. Research use only."
    header.KVP = ""
    scan = _STUDY_START if delay_s is None else _INJECTION + datetime.timedelta(seconds=delay_s)
    header.AcquisitionDate, header.AcquisitionTime = _date_time(scan)
    header.SeriesDate, header.SeriesTime = header.ContentDate, header.ContentTime = _date_time(scan)
    if delay_s is not None:
        header.ContrastBolusAgent = "Iodinated contrast (simulated)"
        header.ContrastBolusRoute = "IV"
        header.ContrastBolusStartTime = _date_time(_INJECTION)[1]


def _date_time(when: datetime.datetime) -> tuple[str, str]:
    return when.strftime("%Y%m%d"), when.strftime("%H%M%S")


def _uid(seed: int, name: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{__version__} {seed} {name}').int}"


def _digest(image: sitk.Image) -> str:
    """Returns the sha256 of voxels and geometry."""
    digest = hashlib.sha256(sitk.GetArrayViewFromImage(image).tobytes())
    digest.update(repr((image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())).encode())
    return digest.hexdigest()
