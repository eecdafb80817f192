"""Who and what a series is, kept so that it can be compared but not read: patient data as keyed hashes in memory."""

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
    """A keyed hash of a patient attribute, with case, spacing and name delimiters left out; empty if it is empty."""
    text = "".join(character for character in str(value or "").casefold() if character.isalnum())
    return hashlib.blake2b(text.encode(), key=_KEY, digest_size=16).hexdigest() if text else ""


def compare_patients(first: Identity, second: Identity) -> Match:
    """Whether two series are of the same patient.

    'different' if the patient ID or the birth date contradict each other, or the name where there is no ID;
    'doubtful' if just the name or the sex does; 'unknown' if nothing can be compared.
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
    """Why two series may not be of one patient, as a predicate of both; empty if they are, or surely are not."""
    match = compare_patients(first, second)
    if match == "doubtful":
        return "have the same patient ID, but not the same name or sex"
    if match == "unknown" and (first.patient_id, first.patient_name) != (second.patient_id, second.patient_name):
        return "may be of different patients: one of them has no patient ID and no name to compare"
    return ""
