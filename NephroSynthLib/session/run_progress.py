"""The progress of a run: the fraction of each stage, the fraction of the whole, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from NephroSynthLib.progress import PIPELINE_SHARES, ProgressEvent
from NephroSynthLib.session.task import State

WRITING_SHARE = 0.5
"""Writing the inputs takes this share of the stage 'read'. The worker takes this share of 'save', loading the rest."""
_LEAST_DONE = 0.03
"""An estimate of the time left would be too rough while less than this fraction is done."""


class RunProgress:
    """Adds up the progress events of one run.

    Args:
        clock: Gives the time in seconds.

    Attributes:
        fractions: The fraction in [0, 1] of each stage that is done.
        stage: The present stage. Empty before the first event.
        message: The present work.

    Example:
        >>> progress = RunProgress()
        >>> progress.update(State.WORKING, ProgressEvent("segment", 0.5, "Finding the kidneys"))
        >>> progress.fractions["read"]
        1.0
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self.fractions: dict[str, float] = dict.fromkeys(PIPELINE_SHARES, 0.0)
        self.stage = self.message = ""

    def update(self, state: State, event: ProgressEvent) -> None:
        """Takes an event of the run's task. The stages before the present one are then complete."""
        stage, fraction = _place(state, event)
        if stage not in self.fractions:
            return
        for earlier in self.fractions:
            if earlier == stage:
                break
            self.fractions[earlier] = 1.0
        self.fractions[stage] = max(fraction, self.fractions[stage])
        self.stage, self.message = stage, event.message

    @property
    def done(self) -> float:
        """The fraction of the whole run that is done, in [0, 1]."""
        shares = PIPELINE_SHARES
        return sum(share * self.fractions[stage] for stage, share in shares.items()) / sum(shares.values())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    @property
    def left_s(self) -> float | None:
        """Seconds to the end, as estimated. None while it is too early to tell."""
        done = self.done
        return self.elapsed_s * (1 - done) / done if done > _LEAST_DONE else None


def _place(state: State, event: ProgressEvent) -> tuple[str, float]:
    """The stage of an event and the fraction of that stage.

    The front end shares the first and the last stage with the worker: it writes the inputs and loads the results.
    """
    if state is State.WRITING:
        return "read", WRITING_SHARE * event.fraction
    if state is State.LOADING:
        return "save", WRITING_SHARE + (1 - WRITING_SHARE) * event.fraction
    if event.stage == "read":
        return "read", WRITING_SHARE + (1 - WRITING_SHARE) * event.fraction
    if event.stage == "save":
        return "save", WRITING_SHARE * event.fraction
    return event.stage, event.fraction
