"""One tree of errors. Each leaf says what was wrong, with which input, and what to do about it."""

from __future__ import annotations

from typing import ClassVar


class NephroSynthError(Exception):
    """Base of every error that NephroSynth raises on purpose.

    Args:
        what: What is wrong, as a sentence without patient identifiers.
        action: What the user can do about it, as a sentence; empty when nothing can be done.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, action: str = "") -> None:
        super().__init__(f"{what} {action}".strip())
        self.what = what
        self.action = action


class UsageError(NephroSynthError):
    """Options that contradict each other or a target that would be overwritten."""

    exit_code = 2


class InputError(NephroSynthError):
    """Bad input; the leaves below name the kind."""

    exit_code = 3


class UnreadableInputError(InputError):
    """A file or folder that is missing, truncated, of an unknown format or not an image."""


class NotCTError(InputError):
    """An image that is not a CT, or whose values are not Hounsfield units."""


class ImageContentError(InputError):
    """Voxel values that cannot be a CT: not finite, constant, colour, not three-dimensional."""


class GeometryError(InputError):
    """Too few slices, irregular spacing, missing slices, gantry tilt, phases that do not overlap."""


class IdentityError(InputError):
    """Phases of different patients, or the same series given twice."""


class AmbiguousPhasesError(InputError):
    """DICOM series whose phases are doubtful, contradict each other, or belong to several exams."""


class NoKidneyError(InputError):
    """No kidney lies in the field of view, so there is nothing to synthesize."""


class ModelError(InputError):
    """A model file that is damaged, foreign, too new, unknown, or made for another task."""


class QualityGateError(NephroSynthError):
    """A quality gate failed while ``--strict`` was on."""

    exit_code = 4


class ResourceError(NephroSynthError):
    """Not enough memory or disk, or a device that is not there."""

    exit_code = 5


class NetworkError(ResourceError):
    """A PACS that is not there, rejects the association or does not answer."""


class WorkerError(NephroSynthError):
    """The process of a job ended without a result, or said what nobody understands."""


class Cancelled(NephroSynthError):
    """The user ended the run."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Cancelled.", "Nothing was written.")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of any library says that memory of the computer or of a device ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("out of memory", "allocate memory", "bad_alloc")
    )
