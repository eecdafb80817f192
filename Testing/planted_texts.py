"""A name in each free text of a DICOM header, so that a test can look for it in the output."""

from __future__ import annotations

from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset

PLANTED = "Doe^Planted"
_FREE_TEXT = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
_GROUPS_OF_AN_IMAGE = range(0x0008, 0x0041)
_DECIDES_WHAT_VALUES_MEAN = "RescaleType"


def plant_texts(header: Dataset) -> None:
    """Adds `PLANTED` to each public attribute of free text that a CT image can have."""
    for tag, (vr, _multiplicity, _name, retired, keyword) in DicomDictionary.items():
        planted = vr in _FREE_TEXT and tag >> 16 in _GROUPS_OF_AN_IMAGE and keyword != _DECIDES_WHAT_VALUES_MEAN
        if planted and not retired and keyword:
            before = header.get(keyword, "") if keyword.endswith("Description") else ""
            setattr(header, keyword, f"{PLANTED} {before}".strip())
