"""The formats and the folder that a user chose for an export, and the reasons why an export cannot start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any


class ExportProblem(Enum):
    """The reason why an export cannot start."""

    NO_FOLDER = "no-folder"
    NO_FORMAT = "no-format"
    NO_DICOM_SOURCE = "no-dicom-source"


@dataclass(frozen=True)
class DicomSource:
    """The DICOM files that a volume was loaded from.

    Attributes:
        folder: The folder with the files. Empty if it is unknown.
        series: The Series Instance UID. Empty if it is unknown.
    """

    folder: str = ""
    series: str = ""


@dataclass(frozen=True)
class ExportChoice:
    """The formats and the folder of an export.

    Attributes:
        parent: The folder in which the export makes its own folder. Empty if none is chosen.
        formats: The chosen formats, of 'nrrd', 'nifti', 'dicom', 'report' and 'scene'.
        noncontrast: The DICOM files of the non-contrast phase.
        excretory: The DICOM files of the excretory phase.
        deidentify: Whether to remove all identifiers from the DICOM files.
        add_to_database: Whether to add the DICOM files to the front end's database.
    """

    parent: str
    formats: frozenset[str]
    noncontrast: DicomSource = DicomSource()
    excretory: DicomSource = DicomSource()
    deidentify: bool = False
    add_to_database: bool = False

    def problem(self) -> ExportProblem | None:
        """The first reason why an export of this choice cannot start, or None."""
        if not self.parent:
            return ExportProblem.NO_FOLDER
        if not self.formats:
            return ExportProblem.NO_FORMAT
        if "dicom" in self.formats and not self.noncontrast.folder:
            return ExportProblem.NO_DICOM_SOURCE
        return None

    @property
    def needs_images(self) -> bool:
        """Whether the volumes are exported."""
        return bool(self.formats & {"nrrd", "nifti", "dicom"})

    def arguments(self, source: Path, out: Path) -> dict[str, Any]:
        """The arguments of the worker's job 'export-result'.

        Args:
            source: The folder with the images and the other files of the run.
            out: The folder to make.
        """
        return {
            "source": str(source),
            "out": str(out.absolute()),
            "nrrd": "nrrd" in self.formats,
            "nifti": "nifti" in self.formats,
            "dicom_source": self.noncontrast.folder if "dicom" in self.formats else None,
            "dicom_series": self.noncontrast.series or None,
            "dicom_excretory": self.excretory.folder or None,
            "dicom_excretory_series": self.excretory.series or None,
            "deidentify": self.deidentify,
        }


def free_folder(parent: Path, name: str) -> Path:
    """The path of a folder in `parent` that does not exist yet.

    Args:
        parent: The folder around it.
        name: The wished name. Characters that a file system may refuse become underscores.

    Returns:
        The path, with a number at its end if the name is taken.
    """
    plain = re.sub(r"[^\w\- ]+", "_", name).strip() or "NephroSynth"
    folder, count = parent / plain, 1
    while folder.exists():
        count += 1
        folder = parent / f"{plain} {count}"
    return folder
