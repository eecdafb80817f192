"""The command `reader-study evaluate`: the figures of the answers of each reader and of all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.jobs.request import Flag, Request, Summary
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    from NephroSynthLib.reader_study.study_answers import StudyAnswers
    from NephroSynthLib.reader_study.study_key import Origin, StudyKey

POOLED = "all readers"


class AnswersRequest(Request):
    """Evaluates the answers of a reader study: accuracy, sensitivity, specificity, image quality, agreement."""

    key: Annotated[Path, Flag(metavar="KEY", positional=True)] = Field(description="The key of the study.")
    answers: Annotated[list[Path], Flag(metavar="ANSWERS", positional=True)] = Field(
        description="The files that the readers downloaded, one of each reader."
    )


def evaluate_answers(request: AnswersRequest, progress: Progress) -> Summary:
    """Evaluates the answers against the key.

    Synthetic counts as positive: sensitivity is the share of synthetic pictures that were called synthetic, specificity
    the share of real ones that were called real.

    Returns:
        `study`; `pictures` and `pairs`, their numbers; `readers`: figures by reader, the last of all readers together;
        `agreement`: weighted kappa of the quality by two readers, the last the mean of all; `warnings`.

    Raises:
        UnreadableInputError: If a file is missing or no key or table of answers.
        InputError: If answers do not fit the key.
    """
    from NephroSynthLib.reader_study.study_answers import read_answers
    from NephroSynthLib.reader_study.study_key import read_key

    key = read_key(request.key)
    answers = read_answers(request.answers, key)
    readers = [_figures(one.reader, [one], key) for one in answers]
    if len(answers) > 1:
        readers.append(_figures(POOLED, answers, key))
    progress.update(0.5, "Agreement of the readers")
    agreement = _agreement(answers)
    progress.update(1.0)
    count = len(key.pictures)
    short = [one for one in answers if len(one.judgements) < count]
    return {
        "study": key.study,
        "pictures": count,
        "pairs": len(_pairs(key)),
        "readers": readers,
        "agreement": agreement,
        "notice": RESEARCH_ONLY,
        "warnings": [f"The reader '{one.reader}' answered {len(one.judgements)} of {count} pictures." for one in short],
    }


def _figures(name: str, answers: Sequence[StudyAnswers], key: StudyKey) -> dict[str, Any]:
    """Returns the figures of some readers, all their answers together."""
    from NephroSynthLib.evaluation.reader_figures import proportion

    hits: dict[Origin, list[bool]] = {"real": [], "synthetic": []}
    for one in answers:
        for picture, judgement in one.judgements.items():
            truth = key.pictures[picture].origin
            hits[truth].append(judgement.answer == truth)
    return {
        "reader": name,
        "accuracy": vars(proportion([*hits["real"], *hits["synthetic"]])),
        "sensitivity": vars(proportion(hits["synthetic"])),
        "specificity": vars(proportion(hits["real"])),
        "quality": _quality(answers, key),
    }


def _quality(answers: Sequence[StudyAnswers], key: StudyKey) -> dict[str, Any]:
    """Compares the quality of the real and the synthetic picture of each slice, each the mean of the readers.

    Only readers who answered both pictures of a slice count for it.
    """
    import numpy as np

    from NephroSynthLib.evaluation.reader_figures import signed_rank_p

    grades: list[tuple[float, float]] = []
    for real, synthetic in _pairs(key):
        both = [
            (one.judgements[real].quality, one.judgements[synthetic].quality)
            for one in answers
            if real in one.judgements and synthetic in one.judgements
        ]
        if both:
            mean_real, mean_synthetic = np.mean(both, axis=0)
            grades.append((float(mean_real), float(mean_synthetic)))
    first, second = [one for one, _ in grades], [two for _, two in grades]
    return {
        "pairs": len(grades),
        "real": float(np.mean(first)) if grades else None,
        "synthetic": float(np.mean(second)) if grades else None,
        "p": signed_rank_p(first, second),
    }


def _pairs(key: StudyKey) -> list[tuple[str, str]]:
    """Returns the names of the real and the synthetic picture of each slice."""
    names = {(one.exam, one.slice, one.origin): name for name, one in key.pictures.items()}
    places = sorted({place[:2] for place in names})
    return [(names[(*place, "real")], names[(*place, "synthetic")]) for place in places]


def _agreement(answers: Sequence[StudyAnswers]) -> list[dict[str, Any]]:
    """Returns kappa of each two readers, and its mean over all of them where there are more than two."""
    import numpy as np
    from numpy.typing import NDArray

    from NephroSynthLib.evaluation.reader_figures import bootstrap_interval, weighted_kappa
    from NephroSynthLib.reader_study.study_answers import GRADES

    def compared(readers: Sequence[StudyAnswers]) -> dict[str, Any]:
        common = sorted(set.intersection(*(set(one.judgements) for one in readers)))
        grades = np.array([[one.judgements[name].quality for name in common] for one in readers], np.int64)

        def kappa(chosen: NDArray[np.intp]) -> float:
            pairs = combinations(grades[:, chosen], 2)
            return float(np.mean([weighted_kappa(first, second, GRADES) for first, second in pairs]))

        lower, upper = bootstrap_interval(kappa, len(common))
        value = kappa(np.arange(len(common)))
        return {"pictures": len(common), "kappa": value, "lower": lower, "upper": upper}

    found = [
        {"readers": f"{one.reader}, {two.reader}", **compared((one, two))} for one, two in combinations(answers, 2)
    ]
    if len(answers) > 2:
        found.append({"readers": POOLED, **compared(answers)})
    return found
