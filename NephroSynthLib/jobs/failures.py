"""Errors of libraries as errors of NephroSynth, with a remedy."""

from __future__ import annotations

import errno

from NephroSynthLib.errors import Action, NephroSynthError, ResourceError, UsageError, is_out_of_memory


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


def _resource_error(error: Exception) -> NephroSynthError | None:
    if is_out_of_memory(error):
        return ResourceError("Memory ran out.", Action.FREE_MEMORY)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ResourceError("The disk is full.", Action.FREE_DISK_SPACE)
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(f"A file cannot be read or written: {error.strerror}.", Action.CHECK_PERMISSIONS)
    return None


def _left_out(error: Exception) -> NephroSynthError | None:
    """Returns the error of a job that needs a room of the library which Slicer's extension leaves out."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("NephroSynthLib."):
        return UsageError("This job is not part of the Slicer extension.", Action.INSTALL_COMMAND_LINE)
    return None
