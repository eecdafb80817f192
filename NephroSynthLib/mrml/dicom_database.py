"""The DICOM files of a loaded volume: from Slicer's database, or from an attribute of the sample exam."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.session.export_choice import DicomSource

if TYPE_CHECKING:
    from pydicom import Dataset

DICOM_FOLDER = "NephroSynth.DicomFolder"
"""The attribute of a volume that is not in the database: the folder with its DICOM files."""


def dicom_folder(node: slicer.vtkMRMLVolumeNode | None) -> str:
    """The folder with the DICOM files of a volume. Empty if it is unknown."""
    if node is None:
        return ""
    attribute = node.GetAttribute(DICOM_FOLDER)
    if attribute:
        return str(attribute) if Path(attribute).is_dir() else ""
    file = _file_in_database(node)
    return str(Path(file).parent) if file else ""


def dicom_source(node: slicer.vtkMRMLVolumeNode | None, folder: str | None = None) -> DicomSource:
    """The DICOM files of a volume.

    Args:
        node: The volume.
        folder: The folder that the user chose. None takes the folder that is known of the volume.

    Returns:
        The folder, and the series if the database has the volume's files in that folder.
    """
    folder = dicom_folder(node) if folder is None else folder
    file = _file_in_database(node) if node is not None else ""
    if not file or Path(file).parent != Path(folder):
        return DicomSource(folder)
    return DicomSource(folder, str(slicer.app.dicomDatabase().seriesForFile(file)))


def dicom_file(node: slicer.vtkMRMLVolumeNode) -> Path | None:
    """The DICOM file of one slice of a volume. None if it is unknown."""
    file = _file_in_database(node)
    if file:
        return Path(file)
    folder = dicom_folder(node)
    return next(iter(sorted(Path(folder).iterdir())), None) if folder else None


def read_header(file: Path | None) -> Dataset | None:
    """The header in a DICOM file, without pixels. None if there is no file, or no header in it.

    This function touches no scene, so it may run in another thread.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        return pydicom.dcmread(file, stop_before_pixels=True) if file is not None else None
    except (InvalidDicomError, OSError, ValueError):
        return None


def delay_s(file: Path | None) -> float | None:
    """Seconds from the injection to the scan, from the header in a DICOM file. None if they are unknown.

    This function touches no scene, so it may run in another thread.
    """
    from NephroSynthLib.phases.timing import excretory_delay_s

    header = read_header(file)
    return excretory_delay_s(header) if header is not None else None


def study_folders() -> list[Path]:
    """The folders with the files of the studies in Slicer's DICOM database, without folders inside others.

    Raises:
        UsageError: If the database is closed or has no files.
    """
    database = slicer.app.dicomDatabase()
    if database is None or not database.isOpen:
        raise UsageError(_("Slicer's DICOM database is not open."), Action.OPEN_DATABASE)
    folders: set[Path] = set()
    for patient in database.patients():
        for study in database.studiesForPatient(patient):
            files = [file for series in database.seriesForStudy(study) for file in database.filesForSeries(series)]
            if files:
                folders.add(Path(os.path.commonpath([str(Path(file).parent) for file in files])))
    outer = [one for one in folders if not any(other in one.parents for other in folders)]
    if not outer:
        raise UsageError(_("Slicer's DICOM database is empty."), Action.OPEN_DATABASE)
    return sorted(outer)


def add_to_database(folder: Path) -> list[str]:
    """Adds the files of a folder to Slicer's DICOM database.

    Returns:
        A warning if the database does not have the files afterwards, else nothing.
    """
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


def _file_in_database(node: slicer.vtkMRMLVolumeNode) -> str:
    first = (node.GetAttribute("DICOM.instanceUIDs") or "").split(" ")[0]
    database = slicer.app.dicomDatabase() if first else None
    file = str(database.fileForInstance(first)) if database is not None else ""
    return file if file and Path(file).is_file() else ""
