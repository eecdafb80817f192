"""The DICOM database (CTK/Libs/DICOM/Core/ctkDICOMDatabase.h) and DICOMLib.DICOMUtils."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from PySide6.QtCore import QObject, Signal

from slicer_host.properties import computed
from slicer_host.pythonqt import to_qt

_TAGS = ["PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SeriesDescription"]


class ctkDICOMDatabase(QObject):
    """An index of DICOM files, kept in memory."""

    databaseChanged = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[str, Any] = {}

    isOpen = computed(bool, lambda self: True)

    def _insert(self, path: Path) -> None:
        header = dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        if "SOPInstanceUID" in header:
            self._headers[str(path)] = header

    def _distinct(self, wanted: str, **where: str) -> list[str]:
        fitting = (h for h in self._headers.values() if all(str(h.get(tag, "")) == uid for tag, uid in where.items()))
        return list(dict.fromkeys(str(header.get(wanted, "")) for header in fitting))

    def patients(self) -> list[str]:
        return self._distinct("PatientID")

    def studiesForPatient(self, patient: str) -> list[str]:
        return self._distinct("StudyInstanceUID", PatientID=patient)

    def seriesForStudy(self, study: str) -> list[str]:
        return self._distinct("SeriesInstanceUID", StudyInstanceUID=study)

    def descriptionForSeries(self, series: str) -> str:
        return next(iter(self._distinct("SeriesDescription", SeriesInstanceUID=series)), "")

    def instancesForSeries(self, series: str) -> list[str]:
        return self._distinct("SOPInstanceUID", SeriesInstanceUID=series)

    def fileForInstance(self, instance: str) -> str:
        return next((path for path, header in self._headers.items() if header.SOPInstanceUID == instance), "")

    def seriesForFile(self, path: str) -> str:
        return str(self._headers[path].SeriesInstanceUID) if path in self._headers else ""


def dicom_lib() -> tuple[ModuleType, ModuleType]:
    """The modules DICOMLib and DICOMLib.DICOMUtils."""
    package, utils = ModuleType("DICOMLib"), ModuleType("DICOMLib.DICOMUtils")
    package.__path__ = []
    package.DICOMUtils = utils  # type: ignore[attr-defined]
    utils.importDicom = import_dicom  # type: ignore[attr-defined]
    return package, utils


def import_dicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """Imports the files of a folder (Slicer/Modules/Scripted/DICOMLib/DICOMUtils.py, importDicom)."""
    if copyFiles:
        raise ValueError("this host's database does not copy files")
    database = to_qt(dicomDatabase if dicomDatabase is not None else slicer.app.dicomDatabase())
    for path in sorted(Path(dicomDataDir).rglob("*")):
        if path.is_file():
            with suppress(InvalidDicomError):
                database._insert(path)
    database.databaseChanged.emit()
    return True
