"""The phase of each acquisition of an exam, with its probability, its reasons and the questions that stay open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from NephroSynthLib.phases.candidate import Candidate, Comparisons
from NephroSynthLib.phases.evidence import ENHANCED, PHASES, Evidence, Phase
from NephroSynthLib.phases.pixel_evidence import image_evidence, with_kidney_gain
from NephroSynthLib.phases.reconstructions import SAME_URINE, group_reconstructions
from NephroSynthLib.phases.scoring import MAX_ACQUISITIONS, Pair, Scores, pair_weights, phase_probabilities
from NephroSynthLib.phases.tag_evidence import read_tags
from NephroSynthLib.phases.words import read_description

_SURE = 0.95
_LEAST_CHANGE_HU = 15.0  # 60 ml of the tissue that both show change more between a non-contrast and an enhanced phase
_CLEAR = 0.8  # an image contradicts the chosen phase if it favours another one by more than this


@dataclass(frozen=True)
class JudgedAcquisition:
    """The phase of one acquisition.

    Attributes:
        volume: Place of the candidate to use.
        reconstructions: Places of the other candidates of the same acquisition.
        phase: The likeliest phase.
        probability: Its probability, in [0, 1].
        evidence: The observations that it was judged from.
        contradictions: Observations that favour another phase.
    """

    volume: int
    reconstructions: tuple[int, ...]
    phase: Phase
    probability: float
    evidence: tuple[Evidence, ...]
    contradictions: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether the phase can be relied on without asking."""
        return self.probability >= _SURE and not self.contradictions


@dataclass(frozen=True)
class Judgement:
    """The acquisitions of an exam in the order of time, and the questions to ask about their phases."""

    acquisitions: tuple[JudgedAcquisition, ...]
    questions: tuple[str, ...]


def judge(candidates: Sequence[Candidate], comparisons: Comparisons) -> Judgement:
    """Finds the phase of each acquisition of an exam.

    Args:
        candidates: The volumes of the exam.
        comparisons: Their comparisons; those that are still missing are made.

    Returns:
        The phases. At most eight acquisitions are judged; a question names each further one.

    Example:
        candidates = [Candidate(name, name, measure(image), "frame") for name, image in images.items()]
        judgement = judge(candidates, Comparisons(candidates))
        phases = {candidates[one.volume].name: one.phase for one in judgement.acquisitions}
    """
    if not candidates:
        return Judgement((), ())
    groups = group_reconstructions(candidates, comparisons)
    left_out, groups = groups[MAX_ACQUISITIONS:], groups[:MAX_ACQUISITIONS]
    used = [candidates[group[0]] for group in groups]
    images, tags = [image_evidence(one.measured) for one in used], _read_words(used)
    pairs = _compare_all([group[0] for group in groups], candidates, comparisons)
    together = phase_probabilities([own + said for own, said in zip(images, tags, strict=True)], pairs)
    pixels = phase_probabilities(images, pairs)
    chosen = [PHASES[int(row.argmax())] for row in together]
    found = []
    for place, group in enumerate(groups):
        compared = _comparison_evidence(place, used, pairs, chosen)
        contradictions = (
            *_contradictions(chosen[place], pixels[place], tags[place]),
            *_without_gain(place, used, pairs, chosen),
        )
        evidence = (*images[place], *compared, *tags[place])
        probability = float(together[place].max())
        found.append(
            JudgedAcquisition(group[0], tuple(group[1:]), chosen[place], probability, evidence, contradictions)
        )
    titles = [candidates[group[0]].title for group in left_out]
    too_many = [f"{title} was not judged, because there are too many acquisitions" for title in titles]
    return Judgement(tuple(found), (*_questions(found, candidates), *too_many))


def _read_words(candidates: Sequence[Candidate]) -> list[list[Evidence]]:
    """Returns the evidence from the header of each candidate, or from its description where it has no header."""
    said = [read_description(candidate.description) for candidate in candidates]
    with_header = [place for place, candidate in enumerate(candidates) if candidate.header is not None]
    headers = [candidate.header for candidate in candidates if candidate.header is not None]
    for place, evidence in zip(with_header, read_tags(headers), strict=True):
        said[place] = evidence
    return said


def _compare_all(places: Sequence[int], candidates: Sequence[Candidate], comparisons: Comparisons) -> list[Pair]:
    pairs = []
    for first, second in combinations(range(len(places)), 2):
        comparison = comparisons(places[first], places[second])
        if comparison is not None:
            one, other = candidates[places[first]].measured, candidates[places[second]].measured
            pairs.append(Pair(first, second, with_kidney_gain(comparison, one, other)))
    return pairs


def _contradictions(chosen: Phase, pixels: Scores, tags: Sequence[Evidence]) -> tuple[str, ...]:
    """Returns the observations that favour another phase; none where the volume shows no phase at all.

    Args:
        chosen: The phase that was found.
        pixels: (phases,) probabilities from the images alone.
        tags: The evidence from the header.
    """
    if chosen is Phase.OTHER:
        return ()
    against = [one.text for one in tags if one.speaks_against(chosen)]
    alone = PHASES[int(pixels.argmax())]
    if alone is not chosen and pixels.max() > _CLEAR:
        against.append(f"the image alone would say {alone.value}")
    return tuple(against)


def _without_gain(
    place: int, used: Sequence[Candidate], pairs: Sequence[Pair], chosen: Sequence[Phase]
) -> Iterator[str]:
    """Yields the volumes that show the same tissue as brightly, of which one is non-contrast and the other enhanced.

    Two parts of one phase look so, of which only one shows the kidneys. Between two phases either contrast or motion
    makes tissue brighter or darker.
    """
    for pair in pairs:
        if place not in (pair.first, pair.second):
            continue
        partner = pair.second if place == pair.first else pair.first
        phases = {chosen[place], chosen[partner]}
        change = max(pair.comparison.wide_gain, pair.comparison.wide_loss)
        if Phase.NONCONTRAST in phases and phases & set(ENHANCED) and change < _LEAST_CHANGE_HU:
            name = used[partner].name or f"the {chosen[partner].value} phase"
            yield f"the tissue that both show is as bright as in {name}"


def _comparison_evidence(
    place: int, used: Sequence[Candidate], pairs: Sequence[Pair], chosen: Sequence[Phase]
) -> list[Evidence]:
    """Returns the evidence of the comparisons for one acquisition, given the phases found for the others."""
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
        name = used[partner].name or f"the {chosen[partner].value} phase"
        text = f"tissue {abs(gain):.0f} HU {'brighter' if gain > 0 else 'darker'} than in {name}"
        if abs(urine) > SAME_URINE:
            text += f", {'more' if urine > 0 else 'less'} dense urine"
        evidence.append(Evidence("image", text, given))
    return evidence


def _questions(found: Sequence[JudgedAcquisition], candidates: Sequence[Candidate]) -> list[str]:
    questions = []
    for one in found:
        title = candidates[one.volume].title
        if one.contradictions:
            questions.append(f"{title} looks {one.phase.words}, but {'; '.join(one.contradictions)}")
        elif not one.sure:
            questions.append(f"{title} may be {one.phase.words}, but this is not sure ({one.probability:.0%})")
    for phase in PHASES:
        same = [one for one in found if one.phase is phase and phase is not Phase.OTHER]
        if len(same) > 1:
            titles = " and ".join(candidates[one.volume].title for one in same)
            questions.append(f"{titles} are both {phase.words}: which one is to be used?")
    return questions
