"""Which DICOM series is which phase of a CT urography exam, with its probability and the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydicom.uid import UID

from NephroSynthLib.dicom.index import DicomIndex
from NephroSynthLib.dicom.patient_grouping import number_patients, patient_questions
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.series_reading import read_series
from NephroSynthLib.errors import InputError
from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.evidence import Evidence, Phase
from NephroSynthLib.phases.judge import JudgedAcquisition, judge
from NephroSynthLib.phases.pixel_evidence import Attenuation, Segment, measure, with_kidneys
from NephroSynthLib.progress import Progress

_COMPUTED = "computed by NephroSynth, not acquired"
Member = tuple[Series, Attenuation]


@dataclass(frozen=True)
class SeriesPhase:
    """The phase of one acquisition.

    Attributes:
        series: The series to read the acquisition from.
        judged: The phase with its probability and evidence.
        reconstructions: Further series of the same acquisition, with other slices or kernels.
    """

    series: Series
    judged: JudgedAcquisition
    reconstructions: tuple[Series, ...]

    @property
    def phase(self) -> Phase:
        """The likeliest phase."""
        return self.judged.phase

    @property
    def probability(self) -> float:
        """Probability of the phase, in [0, 1]."""
        return self.judged.probability

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The observations that the phase was judged from."""
        return self.judged.evidence

    @property
    def sure(self) -> bool:
        """Whether the phase can be relied on without asking."""
        return self.judged.sure

    def to_dict(self) -> dict[str, Any]:
        """Returns the acquisition as JSON values."""
        return {
            **_facts(self.series),
            "series_uid": _uid_or_none(self.series.uid),
            "phase": self.phase.value,
            "probability": round(self.probability, 3),
            "sure": self.sure,
            "why": [{"from": one.source, "what": one.text} for one in self.evidence],
            "contradictions": list(self.judged.contradictions),
            "reconstructions": [series.name for series in self.reconstructions],
        }


@dataclass(frozen=True)
class ExamPhases:
    """The acquisitions of one study of one patient.

    Attributes:
        study_uid: Study Instance UID.
        patient: Number of the patient, from 1.
        acquisitions: In the order of their time.
        doubts: Questions about whose the series are.
        questions: All questions to ask, the doubts among them.
    """

    study_uid: str
    patient: int
    acquisitions: tuple[SeriesPhase, ...]
    doubts: tuple[str, ...]
    questions: tuple[str, ...]

    def find(self, phase: Phase) -> SeriesPhase | None:
        """Returns the acquisition of a phase if there is exactly one."""
        found = [one for one in self.acquisitions if one.phase is phase]
        return found[0] if len(found) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Returns the exam as JSON values."""
        return {
            "study_uid": _uid_or_none(self.study_uid),
            "patient": self.patient,
            "acquisitions": [one.to_dict() for one in self.acquisitions],
            "questions": list(self.questions),
        }


@dataclass(frozen=True)
class PhaseReport:
    """All exams among some DICOM files, and the series that are no phase of an exam, each with the reason."""

    exams: tuple[ExamPhases, ...]
    set_aside: tuple[tuple[Series, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        aside = [{**_facts(one), "why": why} for one, why in self.set_aside]
        return {"exams": [exam.to_dict() for exam in self.exams], "set_aside": aside}


def _facts(series: Series) -> dict[str, Any]:
    """Returns the facts that tell series apart without any text of their headers, which can name the patient."""
    spacing = None if series.stack is None else [round(step, 4) for step in series.stack.spacing]
    images = len(series.slices) or len(series.files)
    return {"series": series.number, "part": series.part, "images": images, "spacing_mm": spacing}


def _uid_or_none(uid: str) -> str | None:
    """Returns a UID if it is well formed; anything else may be a text."""
    return uid if UID(uid).is_valid else None


def recognize_phases(
    index: DicomIndex, *, segment: Segment | None = None, progress: Progress = Progress()
) -> PhaseReport:
    """Finds the phase of every CT volume of an index.

    Args:
        index: The files.
        segment: Finds the kidneys (labels above 0) on the grid of a CT. It is called only for exams that are not clear
            without the kidneys.
        progress: Receives the progress after each series.

    Returns:
        The exams, each with its acquisitions in the order of their time, and the series that were set aside.

    Raises:
        Cancelled: If the run was cancelled.

    Example:
        report = recognize_phases(index_dicom(Path("study")))
        for one in report.exams[0].acquisitions:
            print(one.series.title, one.phase.value, one.probability)
    """
    aside = [(series, series.why_not_volume) for series in index.series if series.why_not_volume is not None]
    measured: dict[tuple[int, str], list[Member]] = defaultdict(list)
    measuring = progress.part(0.0, 1.0 if segment is None else 0.7)
    numbers = number_patients([series.identity for series in index.volumes])
    for done, (series, patient) in enumerate(zip(index.volumes, numbers, strict=True)):
        part = measuring.part(done / len(index.volumes), (done + 1) / len(index.volumes))
        if _is_computed(series):
            aside.append((series, _COMPUTED))
            continue
        try:
            volume = read_series(series, part.part(0.0, 0.6))
        except InputError as error:
            aside.append((series, error.what))
            continue
        measured[patient, series.study_uid].append((series, measure(volume.image)))
        part.update(1.0, series.title)
    patients = list(dict.fromkeys(patient for patient, _ in measured))
    exams = []
    for done, ((patient, study), members) in enumerate(measured.items()):
        part = progress.part(0.7 + 0.3 * done / len(measured), 0.7 + 0.3 * (done + 1) / len(measured))
        exam = _judge_exam(study, 1 + patients.index(patient), members, segment, part)
        others = [
            one for (who, where), found in measured.items() if where == study and who != patient for one, _ in found
        ]
        doubts = patient_questions([series for series, _ in members], others if study else [])
        exams.append(replace(exam, doubts=doubts, questions=(*doubts, *exam.questions)))
    return PhaseReport(tuple(exams), tuple(aside))


def _is_computed(series: Series) -> bool:
    return "SYNTHETIC" in (series.header.get("ImageType") or ())


def _judge_exam(
    study_uid: str, patient: int, members: Sequence[Member], segment: Segment | None, progress: Progress
) -> ExamPhases:
    """Judges the series of one exam, a second time with their kidneys if the first answer is not sure."""
    candidates = [_candidate(series, measured) for series, measured in members]
    comparisons = Comparisons(candidates)
    judged = judge(candidates, comparisons)
    if segment is not None and not all(one.sure for one in judged.acquisitions):
        judged = judge(_with_kidneys(candidates, segment, progress), comparisons)
    series = [one for one, _ in members]
    acquisitions = tuple(
        SeriesPhase(series[one.volume], one, tuple(series[place] for place in one.reconstructions))
        for one in judged.acquisitions
    )
    return ExamPhases(study_uid, patient, acquisitions, (), judged.questions)


def _candidate(series: Series, measured: Attenuation) -> Candidate:
    return Candidate(
        title=series.title,
        name=f"series {series.name}",
        measured=measured,
        frame_of_reference=series.identity.frame_of_reference,
        header=series.header,
        slice_mm=series.stack.spacing[2] if series.stack is not None else 0.0,
        number=series.number or 0,
    )


def _with_kidneys(candidates: Sequence[Candidate], segment: Segment, progress: Progress) -> list[Candidate]:
    result = []
    for done, candidate in enumerate(candidates):
        progress.update(done / len(candidates), f"Looking for the kidneys in {candidate.title}")
        result.append(replace(candidate, measured=with_kidneys(candidate.measured, segment)))
    return result
