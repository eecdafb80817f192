"""The figures of a study with known answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import cohen_kappa_score

from NephroSynthLib.errors import UnreadableInputError
from NephroSynthLib.evaluation.reader_figures import proportion, signed_rank_p
from NephroSynthLib.progress import Progress
from NephroSynthLib.reader_study.study_evaluation import POOLED, AnswersRequest, evaluate_answers
from NephroSynthLib.reader_study.study_key import StudyKey, write_key

NAMES = [f"p{n:03}" for n in range(1, 9)]
QUALITY = {"R1": (5, 3, 4, 4, 5, 2, 4, 3), "R2": (4, 3, 5, 4, 5, 1, 3, 3), "R3": (5, 5, 5, 4, 5, 4, 5, 5)}
CALLED_REAL = {"R1": "p001 p003 p005 p002", "R2": "p001 p003 p005 p007", "R3": " ".join(NAMES)}


@pytest.fixture
def evaluate(tmp_path: Path, key: StudyKey, write_answers: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Evaluates the answers of some readers to some pictures."""

    def figures(*readers: str, pictures: int = 8) -> dict[str, Any]:
        write_key(key, tmp_path / "key.json")
        files = []
        for reader in readers:
            called = ["real" if name in CALLED_REAL[reader] else "synthetic" for name in NAMES]
            rows = dict(zip(NAMES[:pictures], zip(QUALITY[reader], called, strict=True), strict=False))
            files.append(write_answers(reader, rows))
        return evaluate_answers(AnswersRequest(key=tmp_path / "key.json", answers=files), Progress())

    return figures


def test_the_figures_of_one_reader(evaluate: Callable[..., dict[str, Any]]) -> None:
    summary = evaluate("R1")
    (one,) = summary["readers"]
    assert one["accuracy"] == vars(proportion([True] * 6 + [False] * 2))
    assert one["sensitivity"] == vars(proportion([True] * 3 + [False]))  # p002 was taken for real
    assert one["specificity"] == vars(proportion([True] * 3 + [False]))  # p007 was taken for synthetic
    expected = signed_rank_p([5, 4, 5, 4], [3, 4, 2, 3])
    assert one["quality"] == {"pairs": 4, "real": 4.5, "synthetic": 3.0, "p": expected}
    assert (summary["pictures"], summary["pairs"], summary["agreement"], summary["warnings"]) == (8, 4, [], [])


def test_a_reader_who_calls_all_real(evaluate: Callable[..., dict[str, Any]]) -> None:
    (one,) = evaluate("R3")["readers"]
    assert [one[name]["value"] for name in ("accuracy", "sensitivity", "specificity")] == [0.5, 0.0, 1.0]


def test_all_readers_together(evaluate: Callable[..., dict[str, Any]]) -> None:
    summary = evaluate("R1", "R2", "R3")
    pooled = summary["readers"][-1]
    assert pooled["reader"] == POOLED
    assert (pooled["accuracy"]["count"], pooled["accuracy"]["total"]) == (6 + 8 + 4, 24)
    means = [sum(grades) / 3 for grades in zip(*QUALITY.values(), strict=True)]
    assert pooled["quality"]["real"] == pytest.approx(sum(means[::2]) / 4)
    assert pooled["quality"]["p"] == pytest.approx(signed_rank_p(means[::2], means[1::2]))
    kappas = [one["kappa"] for one in summary["agreement"]]
    pairs = (("R1", "R2"), ("R1", "R3"), ("R2", "R3"))
    expected = [
        cohen_kappa_score(QUALITY[a], QUALITY[b], weights="quadratic", labels=[1, 2, 3, 4, 5]) for a, b in pairs
    ]
    assert kappas == pytest.approx([*expected, sum(expected) / 3])
    assert [one["readers"] for one in summary["agreement"]] == ["R1, R2", "R1, R3", "R2, R3", POOLED]
    assert all(one["lower"] <= one["kappa"] <= one["upper"] for one in summary["agreement"])


def test_pictures_without_answer_are_told_and_left_out(evaluate: Callable[..., dict[str, Any]]) -> None:
    summary = evaluate("R2", pictures=5)
    assert summary["warnings"] == ["The reader 'R2' answered 5 of 8 pictures."]
    (one,) = summary["readers"]
    assert one["accuracy"]["total"] == 5
    assert one["quality"]["pairs"] == 2


def test_a_missing_key_is_refused(tmp_path: Path, write_answers: Callable[..., Path]) -> None:
    answers = write_answers("R1", {"p001": (1, "real")})
    with pytest.raises(UnreadableInputError, match="key of a study"):
        evaluate_answers(AnswersRequest(key=tmp_path / "none.json", answers=[answers]), Progress())
