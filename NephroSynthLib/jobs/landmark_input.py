"""The landmarks of a job that registers: its fields, and their reading before any other work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.request import ComputingRequest

if TYPE_CHECKING:
    from NephroSynthLib.registration import Landmarks


class RegisteringRequest(ComputingRequest):
    """A request whose job registers the excretory phase, with landmarks where they are given."""

    landmarks: Path | None = Field(
        None,
        description="Landmarks of both phases, or of the non-contrast one alone: Slicer's markups (.mrk.json) or CSV.",
    )
    excretory_landmarks: Path | None = Field(
        None, description="Landmarks of the excretory phase, if they have a file of their own."
    )

    @model_validator(mode="after")
    def _check_landmarks(self) -> RegisteringRequest:
        if self.excretory_landmarks is not None and self.landmarks is None:
            raise UsageError("The landmarks of the non-contrast phase are missing.", Action.GIVE_LANDMARKS)
        return self

    def read_landmarks(self) -> Landmarks | None:
        """Reads the landmarks; None if none are given.

        Raises:
            UnreadableInputError: If a file cannot be read.
            UsageError: If the pairs do not determine the map that the settings want.
        """
        if self.landmarks is None:
            return None
        from NephroSynthLib.registration.markups import read_landmarks

        return read_landmarks(self.landmarks, self.excretory_landmarks, self.settings.registration.landmark_use)
