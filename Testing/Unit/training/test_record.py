from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from NephroSynthLib import __version__
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.training.pool import ANATOMY, FIRST_OF_COHORT, CasePool
from NephroSynthLib.training.record import (
    exams_in_words,
    label_maps,
    own_cases,
    provenance,
    simulated_seeds,
    timed,
)


@pytest.mark.parametrize(
    ("seeds", "own", "words"),
    [
        ([], 0, ""),
        ([3], 0, "1 simulated exam, seed 3"),
        ([1, 2, 3, 7, 9, 10], 0, "6 simulated exams, seeds 1 to 3, 7, 9 to 10"),
        (range(5, 8), 2, "3 simulated exams, seeds 5 to 7 and 2 exams of a cohort of one's own"),
        ([], 4, "4 exams of a cohort of one's own"),
    ],
)
def test_exams_are_told_by_runs_of_their_seeds(seeds: list[int], own: int, words: str) -> None:
    assert exams_in_words(seeds, own) == words


def test_cases_of_a_cohort_are_told_from_simulated_ones_by_their_number(tmp_path: Path) -> None:
    for number in (7, 12, FIRST_OF_COHORT, FIRST_OF_COHORT + 5):
        np.savez(tmp_path / f"{number:06d}.npz", level=np.zeros(1))
    pool = CasePool(tmp_path, dict)
    assert simulated_seeds(pool) == [7, 12]
    assert own_cases(pool) == [FIRST_OF_COHORT, FIRST_OF_COHORT + 5]


def test_hours_add_up_over_calls_even_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1800.0, 5000.0, 8600.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with timed(tmp_path):
        pass
    with pytest.raises(KeyboardInterrupt), timed(tmp_path):
        raise KeyboardInterrupt
    assert provenance(tmp_path, "", "", 0, 1, None)["hours"] == 1.5
    for damaged in ("", "one", "-3"):
        (tmp_path / "hours.txt").write_text(damaged)
        assert provenance(tmp_path, "", "", 0, 1, None)["hours"] == 0.0


def test_the_record_nests_that_of_the_weights_it_began_with(tmp_path: Path) -> None:
    first = provenance(tmp_path, "2 simulated exams", "nephrosynth train", 3, 10, None)
    assert first["version"] == __version__
    assert "started_from" not in first
    start = load_bundle("kidney-segmenter")
    second = provenance(tmp_path, "2 simulated exams", "nephrosynth train", 3, 10, start)
    assert second["started_from"] == {"sha256": start.sha256, **start.metadata.training}


def test_the_label_maps_of_the_cases_are_told_with_their_source(tmp_path: Path) -> None:
    pool = CasePool(tmp_path, dict)
    np.savez(pool.path(1), level=np.zeros(1))  # of a cohort, or made before cases told their patient
    np.savez(pool.path(2), **{ANATOMY: np.asarray("")})
    assert label_maps(pool, "A data set, CC BY 4.0") == {}
    for seed, name in ((3, "s2"), (4, "s1"), (5, "s2")):
        np.savez(pool.path(seed), **{ANATOMY: np.asarray(name)})
    assert label_maps(pool, "") == {"label_maps": {"names": "s1, s2", "exams": 3}}
    assert label_maps(pool, "A data set, CC BY 4.0") == {
        "label_maps": {"names": "s1, s2", "exams": 3, "source": "A data set, CC BY 4.0"}
    }
