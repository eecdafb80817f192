"""Which series of a heap are of one patient, and what has to be asked about that."""

from __future__ import annotations

from collections.abc import Sequence

from NephroSynthLib.dicom.identity import Identity, compare_patients, patient_doubt
from NephroSynthLib.dicom.series import Series


def number_patients(identities: Sequence[Identity]) -> list[int]:
    """The patient of each of some series, numbered from 1.

    Series are of one patient where `compare_patients` says so, and in one study unless it says that they are not.
    """
    patients: list[list[Identity]] = []
    numbers = []
    for identity in identities:
        number = next((n for n, members in enumerate(patients) if _belongs(identity, members)), len(patients))
        if number == len(patients):
            patients.append([])
        patients[number].append(identity)
        numbers.append(1 + number)
    return numbers


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


def _belongs(identity: Identity, members: Sequence[Identity]) -> bool:
    matches = {compare_patients(identity, member) for member in members}
    if "different" in matches:
        return False
    return bool(matches & {"same", "doubtful"}) or any(one.study_uid == identity.study_uid for one in members)
