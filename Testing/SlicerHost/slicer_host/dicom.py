"""The DICOM database (CTK/Libs/DICOM/Core/ctkDICOMDatabase.h, ctkDICOMIndexer.h) and DICOMLib.DICOMUtils."""

from __future__ import annotations

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
        self._open = True

    isOpen = computed(bool, lambda self: self._open)

    def openDatabase(self, file: str) -> bool:
        self._open = True
        return True

    def closeDatabase(self) -> None:
        self._open = False

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


class ctkDICOMIndexer(QObject):
    """Puts the files of a folder into a database."""

    def addDirectory(self, database: Any, folder: str, copy_file: bool = False) -> None:
        if copy_file:
            raise ValueError("this host's database does not copy files")
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                try:
                    database._insert(path)
                except InvalidDicomError:
                    continue
        database.databaseChanged.emit()

    def waitForImportFinished(self) -> None:
        """The import is finished when `addDirectory` returns."""


def dicom_lib() -> tuple[ModuleType, ModuleType]:
    """The modules DICOMLib and DICOMLib.DICOMUtils."""
    package, utils = ModuleType("DICOMLib"), ModuleType("DICOMLib.DICOMUtils")
    package.__path__ = []
    package.DICOMUtils = utils  # type: ignore[attr-defined]
    utils.importDicom = import_dicom  # type: ignore[attr-defined]
    return package, utils


def import_dicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """Imports the files of a folder (Slicer/Modules/Scripted/DICOMLib/DICOMUtils.py, importDicom)."""
    database = dicomDatabase if dicomDatabase is not None else slicer.app.dicomDatabase()
    indexer = ctkDICOMIndexer()
    indexer.addDirectory(to_qt(database), str(dicomDataDir), copyFiles)
    indexer.waitForImportFinished()
    return True
