"""The DICOM files that a loaded volume came from: in Slicer's database, or noted on the sample exam."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from pydicom import Dataset

DICOM_FOLDER = "NephroSynth.DicomFolder"
"""Node attribute: the folder with the DICOM files of a volume that is not in the database."""


def dicom_source(node: Any) -> str:
    """The folder with the DICOM files of a volume; empty where it is not known."""
    if node is None:
        return ""
    noted = node.GetAttribute(DICOM_FOLDER)
    if noted:
        return str(noted) if Path(noted).is_dir() else ""
    file = _file_in_database(node)
    return str(Path(file).parent) if file else ""


def dicom_series(node: Any, source: str) -> str:
    """The series of a volume, where its files in Slicer's database are those in the chosen folder; empty else."""
    file = _file_in_database(node) if node is not None else ""
    if not file or Path(file).parent != Path(source):
        return ""
    return str(slicer.app.dicomDatabase().seriesForFile(file))


def dicom_header(node: Any) -> Dataset | None:
    """The header of one slice of a volume, without pixels; None where there is none that can be read."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    noted = dicom_source(node)
    file = _file_in_database(node) or (next(iter(sorted(Path(noted).iterdir())), None) if noted else None)
    try:
        return pydicom.dcmread(file, stop_before_pixels=True) if file else None
    except (InvalidDicomError, OSError, ValueError):
        return None


def dicom_delay_s(node: Any) -> float | None:
    """Seconds from the injection to the scan of a volume, where its DICOM header tells."""
    from NephroSynthLib.phases.timing import excretory_delay_s

    header = dicom_header(node)
    return excretory_delay_s(header) if header is not None else None


def add_to_database(folder: Path) -> list[str]:
    """Lets Slicer's DICOM database know the files of a folder, and gives a warning if it does not then."""
    from DICOMLib import DICOMUtils

    database = slicer.app.dicomDatabase()
    if database is None or not database.isOpen:
        return [_("Slicer's DICOM database is not open: open it in the module 'DICOM', and import the folder there.")]
    DICOMUtils.importDicom(str(folder), database)
    if not database.fileForInstance(_an_instance(folder)):
        return [_("Slicer's DICOM database did not take the files.")]
    return []


def _an_instance(folder: Path) -> str:
    import pydicom

    file = next(path for path in sorted(folder.rglob("*")) if path.is_file())
    return str(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)


def _file_in_database(node: Any) -> str:
    first = (node.GetAttribute("DICOM.instanceUIDs") or "").split(" ")[0]
    database = slicer.app.dicomDatabase() if first else None
    file = str(database.fileForInstance(first)) if database is not None else ""
    return file if file and Path(file).is_file() else ""
