"""Grouping of series by patient, and the questions to ask about it."""

from __future__ import annotations

from collections.abc import Sequence

from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.series_identity import Identity, compare_patients, patient_doubt


def number_patients(identities: Sequence[Identity]) -> list[int]:
    """Returns the number of the patient, from 1, of each series.

    Series are of one patient if `compare_patients` says so. A series without anything to compare belongs to the patient
    of its study, if the study has exactly one.
    """
    patients: list[list[int]] = []
    for place in sorted(range(len(identities)), key=lambda place: _is_anonymous(identities[place])):
        identity = identities[place]
        possible = [m for m in patients if _matches(identity, [identities[n] for n in m])]
        known = [m for m in possible if _is_known(identity, [identities[n] for n in m])]
        of_study = [m for m in possible if any(identities[n].study_uid == identity.study_uid for n in m)]
        if known or len(of_study) == 1:
            (known or of_study)[0].append(place)
        else:
            patients.append([place])
    patients.sort(key=min)
    return [1 + next(n for n, members in enumerate(patients) if place in members) for place in range(len(identities))]


def patient_questions(series: Sequence[Series], others: Sequence[Series]) -> tuple[str, ...]:
    """Returns the questions to ask about the patient of an exam.

    Args:
        series: The series of the exam.
        others: Series of the same study that are of another patient.
    """
    first, *further = series
    doubts = ((one, patient_doubt(first.identity, one.identity)) for one in further)
    questions = [f"{first.title} and {one.title} {doubt}" for one, doubt in doubts if doubt]
    if others:
        questions.append(f"{first.title} and {others[0].title} are of one study, but of different patients")
    return tuple(questions)


def _is_anonymous(identity: Identity) -> bool:
    return not (identity.patient_id or identity.patient_name)


def _matches(identity: Identity, members: Sequence[Identity]) -> bool:
    return all(compare_patients(identity, member) != "different" for member in members)


def _is_known(identity: Identity, members: Sequence[Identity]) -> bool:
    return any(compare_patients(identity, member) in ("same", "doubtful") for member in members)
