"""The equipment that made an exported object: the scanner of the source, then NephroSynth with version and model."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from NephroSynthLib import __version__
from NephroSynthLib.dicom.source_series import now_at

MANUFACTURER = "NephroSynth (research software)"
MODEL_NAME = "NephroSynth"


@dataclass(frozen=True)
class ModelIdentity:
    """Name and sha256 (hexadecimal) of a model bundle."""

    name: str
    sha256: str

    @property
    def label(self) -> str:
        """The name in ASCII, in at most 64 characters, so that every character set can write it."""
        plain = "".join(c for c in unicodedata.normalize("NFKD", self.name) if not unicodedata.combining(c))
        return "".join(c if c.isascii() and c.isprintable() and c != "\\" else "?" for c in plain)[:64]

    def __str__(self) -> str:
        return f"{self.label}, sha256 {self.sha256}"


def contributing_equipment(source: Dataset, task: str, model: ModelIdentity | None) -> list[Dataset]:
    """Returns the scanner of the source, if the source names it, and NephroSynth with its version and model.

    Args:
        source: An instance of the source series.
        task: The task that NephroSynth did, as a sentence.
        model: The model that did it; None if no model took part.
    """
    ours = hd.ContributingEquipment(
        manufacturer=MANUFACTURER,
        purpose_of_reference=codes.DCM.ProcessingEquipment,
        manufacturer_model_name=MODEL_NAME,
        software_versions=__version__,
        contribution_datetime=now_at(source).replace(tzinfo=None),
        contribution_description=f"{task} Model: {model}." if model else task,
    )
    scanner = Dataset()
    for keyword in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions", "DeviceSerialNumber", "StationName"):
        if source.get(keyword):
            setattr(scanner, keyword, source[keyword].value)
    if "Manufacturer" not in scanner:
        return [ours]
    scanner.PurposeOfReferenceCodeSequence = [hd.sr.CodedConcept.from_code(codes.DCM.AcquisitionEquipment)]
    scanner.ContributionDescription = "Acquired the source images."
    return [scanner, ours]


def add_equipment(instance: Dataset) -> None:
    """Names NephroSynth as the equipment that made an instance."""
    instance.Manufacturer = MANUFACTURER
    instance.ManufacturerModelName = MODEL_NAME
    instance.SoftwareVersions = __version__
