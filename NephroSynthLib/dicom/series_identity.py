"""The identity of a series. Patient data is kept as keyed hashes, which can be compared but not read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Literal

_KEY = os.urandom(16)

Match = Literal["same", "unknown", "doubtful", "different"]


@dataclass(frozen=True)
class Identity:
    """Identity of a DICOM series. Patient fields are hashes that only this process can compare; empty if unknown.

    `series` tells two acquisitions of one series apart.
    """

    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    study_uid: str = ""
    series: str = ""
    frame_of_reference: str = ""


def hashed(value: object) -> str:
    """Returns a keyed hash of a patient attribute without case, spacing and delimiters; empty for an empty value."""
    text = "".join(character for character in str(value or "").casefold() if character.isalnum())
    return hashlib.blake2b(text.encode(), key=_KEY, digest_size=16).hexdigest() if text else ""


def compare_patients(first: Identity, second: Identity) -> Match:
    """Tells whether two series are of the same patient.

    Returns:
        'different' if patient ID or birth date differ, or the name where there is no common ID; 'doubtful' if only the
        name or the sex differs; 'unknown' if nothing can be compared; else 'same'.
    """

    def contradicts(attribute: str) -> bool:
        values = {getattr(first, attribute), getattr(second, attribute)}
        return len(values) == 2 and "" not in values

    def agrees(attribute: str) -> bool:
        return getattr(first, attribute) == getattr(second, attribute) != ""

    if contradicts("patient_id") or contradicts("birth_date"):
        return "different"
    if contradicts("patient_name") or contradicts("sex"):
        return "doubtful" if agrees("patient_id") else "different"
    return "same" if agrees("patient_id") or agrees("patient_name") else "unknown"


def patient_doubt(first: Identity, second: Identity) -> str:
    """Returns why it is doubtful that two series are of one patient, as a predicate of both; empty if it is clear."""
    match = compare_patients(first, second)
    if match == "doubtful":
        return "have the same patient ID, but not the same name or sex"
    if match == "unknown" and (first.patient_id, first.patient_name) != (second.patient_id, second.patient_name):
        return "may be of different patients: one of them has no patient ID and no name to compare"
    return ""
