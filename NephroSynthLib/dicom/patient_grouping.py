"""Which series of a heap are of one patient, and what has to be asked about that."""

from __future__ import annotations

from collections.abc import Sequence

from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.series_identity import Identity, compare_patients, patient_doubt


def number_patients(identities: Sequence[Identity]) -> list[int]:
    """The patient of each of some series, numbered from 1.

    Series are of one patient where `compare_patients` says so. One that has nothing to compare is of the patient of its
    study, if that is one.
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
    """What has to be asked about the patient of an exam.

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
