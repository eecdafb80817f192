"""Which DICOM series is which phase of a CT urography exam, how sure that is, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from NephroSynthLib.dicom.index import DicomIndex
from NephroSynthLib.dicom.patient_grouping import number_patients, patient_questions
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.series_reading import read_series
from NephroSynthLib.errors import InputError
from NephroSynthLib.phases.evidence import PHASES, Evidence, Phase
from NephroSynthLib.phases.pixel_evidence import (
    Attenuation,
    Comparison,
    Segment,
    compare,
    image_evidence,
    measure,
    with_kidney_gain,
    with_kidneys,
)
from NephroSynthLib.phases.scoring import MAX_ACQUISITIONS, Pair, Scores, pair_weights, phase_probabilities
from NephroSynthLib.phases.tag_evidence import read_tags
from NephroSynthLib.phases.timing import acquired_at
from NephroSynthLib.progress import Progress

_SURE = 0.95
_CLEAR = 0.8  # an image that favours another phase by less than this contradicts nothing
_SAME_GAIN_HU, _SAME_URINE = 12.0, 0.5
Member = tuple[Series, Attenuation]

_COMPUTED = "computed by NephroSynth, not acquired"


@dataclass(frozen=True)
class SeriesPhase:
    """The phase of one acquisition.

    Attributes:
        series: The series to read it from.
        phase: The likeliest phase.
        probability: Its probability, in [0, 1].
        evidence: What it was judged from.
        contradictions: Tags that say something else than the phase that was found.
        reconstructions: Further series of the same acquisition, with other slices or kernels.
    """

    series: Series
    phase: Phase
    probability: float
    evidence: tuple[Evidence, ...]
    contradictions: tuple[str, ...]
    reconstructions: tuple[Series, ...]

    @property
    def sure(self) -> bool:
        """Whether it can be relied on without asking."""
        return self.probability >= _SURE and not self.contradictions

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "series": self.series.number,
            "description": self.series.description,
            "series_uid": self.series.uid,
            "part": self.series.part,
            "images": len(self.series.slices),
            "phase": self.phase.value,
            "probability": round(self.probability, 3),
            "sure": self.sure,
            "why": [{"from": one.source, "what": one.text} for one in self.evidence],
            "contradictions": list(self.contradictions),
            "reconstructions": [series.name for series in self.reconstructions],
        }


@dataclass(frozen=True)
class ExamPhases:
    """The acquisitions of one study of one patient.

    Attributes:
        study_uid: The study.
        patient: A number of the patient, from 1.
        acquisitions: In the order of their time.
        doubts: What is not clear about whose they are.
        questions: All that has to be asked, the doubts among it.
    """

    study_uid: str
    patient: int
    acquisitions: tuple[SeriesPhase, ...]
    doubts: tuple[str, ...]
    questions: tuple[str, ...]

    def find(self, phase: Phase) -> SeriesPhase | None:
        """The acquisition of a phase, if there is exactly one."""
        found = [one for one in self.acquisitions if one.phase is phase]
        return found[0] if len(found) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        acquisitions = [one.to_dict() for one in self.acquisitions]
        return {
            "study_uid": self.study_uid,
            "patient": self.patient,
            "acquisitions": acquisitions,
            "questions": list(self.questions),
        }


@dataclass(frozen=True)
class PhaseReport:
    """All exams of a heap of DICOM files, and the series that are no phase of an exam, with the reason."""

    exams: tuple[ExamPhases, ...]
    set_aside: tuple[tuple[Series, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        aside = [
            {"series": one.number, "part": one.part, "description": one.description, "why": why}
            for one, why in self.set_aside
        ]
        return {"exams": [exam.to_dict() for exam in self.exams], "set_aside": aside}


def recognize_phases(
    index: DicomIndex, *, segment: Segment | None = None, progress: Progress = Progress()
) -> PhaseReport:
    """Finds the phase of every CT volume of an index.

    Args:
        index: The files.
        segment: Finds the kidneys (labels above 0) on the grid of a CT; asked where an exam is not clear without.
        progress: Told after each series.

    Returns:
        The exams, each with its acquisitions in the order of their time, and what was set aside.

    Raises:
        Cancelled: If the run was cancelled.
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
        compared = _Comparisons()
        exam = _judge(study, 1 + patients.index(patient), members, compared)
        if segment is not None and not all(one.sure for one in exam.acquisitions):
            exam = _judge(study, 1 + patients.index(patient), _with_kidneys(members, segment, part), compared)
        others = [
            one for (who, where), found in measured.items() if where == study and who != patient for one, _ in found
        ]
        doubts = patient_questions([series for series, _ in members], others if study else [])
        exams.append(replace(exam, doubts=doubts, questions=(*doubts, *exam.questions)))
    return PhaseReport(tuple(exams), tuple(aside))


def _with_kidneys(members: Sequence[Member], segment: Segment, progress: Progress) -> list[Member]:
    result = []
    for done, (series, measured) in enumerate(members):
        progress.update(done / len(members), f"Looking for the kidneys in {series.title}")
        result.append((series, with_kidneys(measured, segment)))
    return result


def _is_computed(series: Series) -> bool:
    return "SYNTHETIC" in (series.header.get("ImageType") or ())


def _judge(study_uid: str, patient: int, measured: Sequence[Member], comparisons: _Comparisons) -> ExamPhases:
    acquisitions = _acquisitions(measured, comparisons)
    left_out, acquisitions = acquisitions[MAX_ACQUISITIONS:], acquisitions[:MAX_ACQUISITIONS]
    tags = read_tags([members[0][0].header for members in acquisitions])
    images = [image_evidence(members[0][1]) for members in acquisitions]
    pairs = _pairs(acquisitions, comparisons)
    together = phase_probabilities([own + tag for own, tag in zip(images, tags, strict=True)], pairs)
    chosen = [PHASES[int(row.argmax())] for row in together]
    pixels = phase_probabilities(images, pairs)
    found = []
    for place, members in enumerate(acquisitions):
        compared = _compared(place, acquisitions, pairs, chosen)
        contradictions = _contradictions(chosen[place], pixels[place], tags[place])
        found.append(
            SeriesPhase(
                members[0][0],
                chosen[place],
                float(together[place].max()),
                (*images[place], *compared, *tags[place]),
                tuple(contradictions),
                tuple(series for series, _ in members[1:]),
            )
        )
    questions = [f"{members[0][0].title} was not looked at: there are too many acquisitions" for members in left_out]
    return ExamPhases(study_uid, patient, tuple(found), (), (*_questions(found), *questions))


class _Comparisons:
    """Comparisons of two series of one frame of reference, each made once for an exam; None where there is none."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], Comparison | None] = {}

    def __call__(self, one: Member, other: Member) -> Comparison | None:
        key = id(one[0]), id(other[0])
        if key not in self._made:
            same_frame = one[0].identity.frame_of_reference == other[0].identity.frame_of_reference != ""
            self._made[key] = compare(one[1], other[1]) if same_frame else None
        made = self._made[key]
        return None if made is None else with_kidney_gain(made, one[1], other[1])


def _acquisitions(measured: Sequence[Member], compared: _Comparisons) -> list[list[Member]]:
    """Series of one acquisition together, the one to use first; acquisitions in the order of their time."""
    groups: list[list[Member]] = []
    for member in measured:
        group = next((group for group in groups if _same_acquisition(group[0], member, compared)), None)
        if group is None:
            groups.append([member])
        else:
            group.append(member)
    for group in groups:
        group.sort(key=lambda member: (_has_sharp_kernel(member[0]), _slice_mm(member[0]), member[0].number or 0))
    return sorted(groups, key=lambda group: (str(acquired_at(group[0][0].header) or ""), group[0][0].number or 0))


def _same_acquisition(one: Member, other: Member, compared: _Comparisons) -> bool:
    times = acquired_at(one[0].header), acquired_at(other[0].header)
    if times[0] is None or times[0] != times[1]:
        return False
    comparison = compared(one, other)
    return comparison is not None and abs(comparison.gain) < _SAME_GAIN_HU and abs(comparison.urine) < _SAME_URINE


def _has_sharp_kernel(series: Series) -> bool:
    """Bone and lung kernels: their names, or numbers from 50 on (as in B60f or Br59)."""
    kernel = str(series.header.get("ConvolutionKernel") or "").upper()
    number = "".join(filter(str.isdigit, kernel))[:2]
    return any(word in kernel for word in ("BONE", "LUNG", "EDGE", "SHARP")) or (number.isdigit() and int(number) >= 50)


def _slice_mm(series: Series) -> float:
    return series.stack.spacing[2] if series.stack is not None else 0.0


def _pairs(acquisitions: Sequence[Sequence[Member]], compared: _Comparisons) -> list[Pair]:
    pairs = []
    for first, second in combinations(range(len(acquisitions)), 2):
        comparison = compared(acquisitions[first][0], acquisitions[second][0])
        if comparison is not None:
            pairs.append(Pair(first, second, comparison))
    return pairs


def _contradictions(chosen: Phase, pixels: Scores, tags: Sequence[Evidence]) -> list[str]:
    """What speaks against a phase; nothing does where there is none to be found, whatever the tags say.

    Args:
        chosen: The phase.
        pixels: (phases,) their probabilities without the tags.
        tags: What the tags say.
    """
    if chosen is Phase.OTHER:
        return []
    against = [one.text for one in tags if one.speaks_against(chosen)]
    alone = PHASES[int(pixels.argmax())]
    if alone is not chosen and pixels.max() > _CLEAR:
        against.append(f"the image alone would say {alone.value}")
    return against


def _compared(
    place: int,
    acquisitions: Sequence[Sequence[Member]],
    pairs: Sequence[Pair],
    chosen: Sequence[Phase],
) -> list[Evidence]:
    """What the comparisons say about one acquisition, given the phases that were found for the others."""
    evidence = []
    for pair in pairs:
        if place not in (pair.first, pair.second):
            continue
        partner = pair.second if place == pair.first else pair.first
        weights = pair_weights(pair.comparison)
        weights = weights if place == pair.first else weights.T
        given = dict(zip(PHASES, weights[:, PHASES.index(chosen[partner])].tolist(), strict=True))
        sign = 1 if place == pair.first else -1
        gain, urine = sign * pair.comparison.gain, sign * pair.comparison.urine
        than = f"than in series {acquisitions[partner][0][0].name}"
        text = f"tissue {abs(gain):.0f} HU {'brighter' if gain > 0 else 'darker'} {than}"
        if abs(urine) > _SAME_URINE:
            text += f", {'more' if urine > 0 else 'less'} dense urine"
        evidence.append(Evidence("image", text, given))
    return evidence


def _questions(found: Sequence[SeriesPhase]) -> list[str]:
    questions = []
    for one in found:
        if one.contradictions:
            questions.append(f"{one.series.title} looks {one.phase.value}, but {'; '.join(one.contradictions)}")
        elif not one.sure:
            questions.append(f"{one.series.title} may be {one.phase.value} ({one.probability:.0%}), or not")
    for phase in PHASES:
        same = [one for one in found if one.phase is phase and phase is not Phase.OTHER]
        if len(same) > 1:
            titles = " and ".join(one.series.title for one in same)
            questions.append(f"{titles} are both {phase.value}: which one is to be used?")
    return questions
