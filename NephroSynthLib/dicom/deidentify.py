"""De-identification of exported objects: the basic application confidentiality profile (PS3.15, table E.1-1).

It acts on objects that the exporters of this package write. Every attribute that they copy from the source is removed,
emptied or replaced. Texts that they write themselves name no person and stay (the Clean Descriptors option).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from NephroSynthLib.dicom.ct_writing import code
from NephroSynthLib.dicom.equipment import MANUFACTURER
from NephroSynthLib.dicom.source_series import STUDY_ATTRIBUTES

_STANDARD_UIDS = "1.2.840.10008."
_EMPTIED = (
    *("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "PositionReferenceIndicator"),
)
_REPLACED = ("PatientName", "PatientID")
_MANDATORY_DATES = {"ContentDate": "19000101", "ContentTime": "000000"}
_KEPT = ("SpecificCharacterSet", "StudyInstanceUID", "FrameOfReferenceUID", "PatientPosition", "QualityControlSubject")
_DATES = ("DA", "DT", "TM")
_PERSON = "PN"
_PROFILE = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113105", "Clean Descriptors Option"),
)


@dataclass
class UIDMap:
    """New UIDs for old ones, shared by all objects of one export; it is never stored, so nothing leads back."""

    _new: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, old: str) -> str:
        """Returns the UID that replaces `old`; UIDs of the standard itself stay."""
        if not old or old.startswith(_STANDARD_UIDS):
            return old
        return self._new.setdefault(old, generate_uid(prefix=None))


def deidentify(instance: Dataset, uids: UIDMap) -> None:
    """Removes every identifier from an object that this package exports, in place.

    Args:
        instance: The object; its file meta information is changed too.
        uids: The map of the export, so that references between its objects stay valid.
    """
    instance.remove_private_tags()
    for keyword in STUDY_ATTRIBUTES:
        if keyword in instance and keyword not in (*_KEPT, *_EMPTIED, *_REPLACED):
            del instance[keyword]
    for keyword in _EMPTIED:
        if keyword in instance:
            setattr(instance, keyword, None)
    instance.walk(lambda dataset, element: _clean(dataset, element, uids))
    _keep_own_equipment(instance)
    study = instance.StudyInstanceUID
    instance.PatientID = f"ANON-{study[-8:]}"
    instance.PatientName = f"Anonymous^{study[-8:]}"
    instance.PatientIdentityRemoved = "YES"
    instance.DeidentificationMethod = "NephroSynth, DICOM PS3.15 basic profile, clean descriptors"
    instance.DeidentificationMethodCodeSequence = [code(value, "DCM", meaning) for value, meaning in _PROFILE]
    instance.LongitudinalTemporalInformationModified = "REMOVED"
    instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID


def _clean(dataset: Dataset, element: DataElement, uids: UIDMap) -> None:
    """Maps UIDs and removes dates, times and names at any level; mandatory dates get a dummy value."""
    if element.VR == "UI" and element.value:
        values = [element.value] if element.VM == 1 else element.value
        new = [uids[str(value)] for value in values]
        element.value = new[0] if element.VM == 1 else new
    elif element.keyword in _MANDATORY_DATES:
        element.value = _MANDATORY_DATES[element.keyword]
    elif element.VR in (*_DATES, _PERSON) and element.value:
        del dataset[element.tag]


def _keep_own_equipment(instance: Dataset) -> None:
    """Removes the scanner, which may identify the hospital; keeps NephroSynth's own item with its model."""
    items = instance.get("ContributingEquipmentSequence", [])
    instance.ContributingEquipmentSequence = [item for item in items if item.Manufacturer == MANUFACTURER]
