from __future__ import annotations

import pytest

from NephroSynthLib.errors import Cancelled
from NephroSynthLib.progress import PIPELINE_SHARES, STAGES, Progress, ProgressEvent


def test_a_part_of_a_part_reports_within_its_range() -> None:
    events: list[ProgressEvent] = []
    stage = Progress(events.append).stage("register")

    stage.part(0.5, 1.0).part(0.0, 0.5).update(0.5, "half of the third quarter")

    assert events == [ProgressEvent("register", 0.625, "half of the third quarter")]


@pytest.mark.parametrize(("given", "reported"), [(-0.5, 0.2), (0.0, 0.2), (1.0, 0.4), (7.0, 0.4)])
def test_a_fraction_never_leaves_its_range(given: float, reported: float) -> None:
    events: list[ProgressEvent] = []

    Progress(events.append).part(0.2, 0.4).update(given)

    assert events[0].fraction == pytest.approx(reported)


def test_the_next_update_after_a_cancellation_ends_the_run() -> None:
    events: list[ProgressEvent] = []
    cancelled = False
    progress = Progress(events.append, lambda: cancelled).stage("segment").part(0.0, 0.5)
    progress.update(0.5)

    cancelled = True

    with pytest.raises(Cancelled):
        progress.update(0.6)
    assert len(events) == 1


def test_each_stage_has_a_share_of_the_whole_run() -> None:
    assert tuple(PIPELINE_SHARES) == STAGES
    assert sum(PIPELINE_SHARES.values()) == pytest.approx(100.0)
