"""The progress of a run and the time left."""

from __future__ import annotations

import pytest

from NephroSynthLib.progress import PIPELINE_SHARES, STAGES, ProgressEvent
from NephroSynthLib.session.run_progress import RunProgress
from NephroSynthLib.session.task import State


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_writing_and_the_worker_share_the_first_stage_and_loading_the_last() -> None:
    progress = RunProgress()
    progress.update(State.WRITING, ProgressEvent("", 1.0, "CT"))
    assert progress.fractions["read"] == 0.5
    progress.update(State.WORKING, ProgressEvent("read", 0.5))
    assert progress.fractions["read"] == 0.75
    progress.update(State.WORKING, ProgressEvent("save", 1.0))
    assert progress.fractions["save"] == 0.5
    progress.update(State.LOADING, ProgressEvent("", 1.0))
    assert progress.done == pytest.approx(1.0)


@pytest.mark.parametrize("stage", STAGES)
def test_the_stages_before_the_present_one_are_complete(stage: str) -> None:
    progress = RunProgress()
    progress.update(State.WORKING, ProgressEvent(stage, 0.2, "busy"))
    index = STAGES.index(stage)
    assert all(progress.fractions[earlier] == 1.0 for earlier in STAGES[:index])
    assert all(progress.fractions[later] == 0.0 for later in STAGES[index + 1 :])
    assert progress.message == "busy"
    assert progress.stage == stage


def test_progress_never_goes_back() -> None:
    progress, seen = RunProgress(), []
    for stage in STAGES:
        for fraction in (0.1, 0.7, 0.4, 1.0):
            progress.update(State.WORKING, ProgressEvent(stage, fraction))
            seen.append(progress.done)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0 - 0.5 * PIPELINE_SHARES["save"] / sum(PIPELINE_SHARES.values()))


def test_an_unknown_stage_changes_nothing() -> None:
    progress = RunProgress()
    progress.update(State.WORKING, ProgressEvent("dream", 1.0, "dreaming"))
    assert (progress.done, progress.message) == (0.0, "")


def test_the_time_left_follows_from_the_time_that_was_needed() -> None:
    clock = Clock()
    progress = RunProgress(clock)
    assert progress.left_s is None
    progress.update(State.WORKING, ProgressEvent("register", 1.0))
    clock.now = 57.0
    assert progress.done == pytest.approx(0.57)
    assert progress.elapsed_s == 57.0
    assert progress.left_s == pytest.approx(43.0)
