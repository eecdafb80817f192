"""Progress of a run: stages, fractions within a stage, and cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from NephroSynthLib.errors import Cancelled

Stage = Literal["read", "segment", "register", "synthesize", "judge", "save"]
STAGES: tuple[Stage, ...] = get_args(Stage)

# The share of its time that a run spends in each stage, measured on two cores, for the bar of the whole.
PIPELINE_SHARES = {"read": 2.0, "segment": 30.0, "register": 25.0, "synthesize": 35.0, "judge": 4.0, "save": 4.0}


@dataclass(frozen=True)
class ProgressEvent:
    """The position of a run: `fraction` of `stage` is done, in [0, 1]; `message` describes the current step."""

    stage: str
    fraction: float
    message: str = ""


class Ending(NamedTuple):
    """The end of a job that the user cancels.

    Attributes:
        grace_s: Seconds to end by itself at its next progress update, before its process is stopped.
        kept: The part of its work that stays, as a sentence for the user.
    """

    grace_s: float = 0.3
    kept: str = "Nothing was written."


AT_ONCE = Ending()
"""The end of a job that has nothing to save."""

ProgressSink = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """Ignores an event; the sink of callers that show no progress."""


@dataclass(frozen=True)
class Progress:
    """Reports the progress of one stage, or of a part of it, to a sink.

    A stage calls `update` with its own fraction in [0, 1]; `part` hands a sub-range of it to a callee.
    Every update first calls `cancelled`, so a run ends at the next update after a cancellation.
    """

    sink: ProgressSink = ignore
    cancelled: Callable[[], bool] = lambda: False
    stage_name: str = ""
    start: float = 0.0
    stop: float = 1.0

    def stage(self, name: Stage) -> Progress:
        """Returns the progress of another stage, with the same sink."""
        return Progress(self.sink, self.cancelled, name)

    def part(self, start: float, stop: float) -> Progress:
        """Returns the sub-range [start, stop] of this range."""
        width = self.stop - self.start
        return Progress(
            self.sink, self.cancelled, self.stage_name, self.start + start * width, self.start + stop * width
        )

    def update(self, fraction: float, message: str = "") -> None:
        """Reports that `fraction` of this range is done.

        Raises:
            Cancelled: If the run was cancelled.
        """
        if self.cancelled():
            raise Cancelled
        inside = min(max(fraction, 0.0), 1.0)
        self.sink(ProgressEvent(self.stage_name, self.start + inside * (self.stop - self.start), message))
