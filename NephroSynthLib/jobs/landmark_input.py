"""The landmarks and the initial transform of a job that registers, which are read before any other work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.request import ComputingRequest

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.registration import Landmarks


class RegisteringRequest(ComputingRequest):
    """A request whose job registers the excretory phase, from landmarks or an initial transform if given."""

    landmarks: Path | None = Field(
        None,
        description="Landmarks of both phases, or of the non-contrast one alone: Slicer's markups (.mrk.json) or CSV.",
    )
    excretory_landmarks: Path | None = Field(
        None, description="Landmarks of the excretory phase, if they have a file of their own."
    )

    initial_transform: Path | None = Field(
        None,
        description="ITK transform, or the folder of a result with one, from which the registration starts. It carries "
        "points of the non-contrast phase to the excretory phase (LPS mm).",
    )

    @model_validator(mode="after")
    def _check_landmarks(self) -> RegisteringRequest:
        if self.excretory_landmarks is not None and self.landmarks is None:
            raise UsageError("The landmarks of the non-contrast phase are missing.", Action.GIVE_LANDMARKS)
        if self.landmarks and self.initial_transform and self.settings.registration.landmark_use != "start":
            raise UsageError("Landmarks that replace a stage leave an initial transform no use.", Action.GIVE_TRANSFORM)
        return self

    def read_initial(self) -> sitk.Transform | None:
        """Reads the initial transform; None if none is given.

        Raises:
            UnreadableInputError: If the file cannot be read.
        """
        if self.initial_transform is None:
            return None
        from NephroSynthLib.jobs.transformation import read_transform

        return read_transform(self.initial_transform)

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
