"""Errors of libraries as errors of NephroSynth, with a remedy."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from NephroSynthLib.errors import Action, NephroSynthError, ResourceError, UsageError, is_out_of_memory

_EXTRAS = {
    "lightning": Action.INSTALL_TRAINING,
    "highdicom": Action.INSTALL_DICOM,
    "pynetdicom": Action.INSTALL_DICOM,
}
"""Packages that only some jobs need, and the remedy where one is missing."""
_READERS_OF_HEADERS = ("/pydicom/", "/highdicom/", "/pynetdicom/", "/NephroSynthLib/dicom/")


def as_our_error(error: Exception) -> NephroSynthError:
    """Returns the error as one of ours, with the original as its cause."""
    if isinstance(error, NephroSynthError):
        return error
    ours = (
        _resource_error(error)
        or _left_out(error)
        or NephroSynthError(f"NephroSynth failed unexpectedly ({type(error).__name__}).", Action.REPORT)
    )
    ours.__cause__ = error
    return ours


def traceback_of(error: BaseException) -> str:
    """Returns the traceback of an error without messages that can quote a DICOM header, and so name the patient.

    Such a message is that of a library's error that passed through the code that reads headers.
    """
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = f"{traceback_of(before)}\nThen:\n\n" if before is not None else ""
    stack = traceback.extract_tb(error.__traceback__)
    read_header = any(room in Path(frame.filename).as_posix() for frame in stack for room in _READERS_OF_HEADERS)
    if read_header and not isinstance(error, NephroSynthError):
        last = f"{type(error).__name__} (its message is left out, because it can quote the header)\n"
    else:
        last = "".join(traceback.format_exception_only(error))
    return "".join([earlier, "Traceback (most recent call last):\n", *traceback.format_list(stack), last])


def _resource_error(error: Exception) -> NephroSynthError | None:
    if is_out_of_memory(error):
        return ResourceError("Memory ran out.", Action.FREE_MEMORY)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ResourceError("The disk is full.", Action.FREE_DISK_SPACE)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(f"A file cannot be read or written: {error.strerror}.", Action.CHECK_PERMISSIONS)
    return None


def _left_out(error: Exception) -> NephroSynthError | None:
    """Returns the error of a job that needs an extra package, or a room that Slicer's extension leaves out."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package == "NephroSynthLib":
        return UsageError("This job is not part of the Slicer extension.", Action.INSTALL_COMMAND_LINE)
    if package in _EXTRAS:
        return UsageError(f"{package} is not installed.", _EXTRAS[package])
    return None
