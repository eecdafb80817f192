"""Errors of libraries become errors of ours, with a remedy."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from pydicom.valuerep import DSfloat

from NephroSynthLib.errors import Action, InputError, NephroSynthError, ResourceError, UsageError
from NephroSynthLib.jobs.failures import as_our_error, traceback_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), ResourceError),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), ResourceError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"), ResourceError),
        (RuntimeError("Failed to allocate memory for image."), ResourceError),
        (RuntimeError("std::bad_alloc"), ResourceError),
        (OSError(errno.ENOSPC, "No space left on device"), ResourceError),
        (PermissionError(errno.EACCES, "Permission denied", "folder"), UsageError),
        (InputError("The file is odd."), InputError),
        (ZeroDivisionError("division by zero"), NephroSynthError),
    ],
)
def test_an_error_of_a_library_becomes_one_of_ours(error: Exception, kind: type[NephroSynthError]) -> None:
    ours = as_our_error(error)
    assert type(ours) is kind
    assert ours is error or ours.__cause__ is error


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (MemoryError(), Action.FREE_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), Action.FREE_DISK_SPACE),
        (ModuleNotFoundError("gone", name="NephroSynthLib.training"), Action.INSTALL_COMMAND_LINE),
        (ModuleNotFoundError("gone", name="lightning.pytorch"), Action.INSTALL_TRAINING),
        (ModuleNotFoundError("gone", name="highdicom"), Action.INSTALL_DICOM),
        (ZeroDivisionError(), Action.REPORT),
    ],
)
def test_each_kind_has_its_remedy(error: Exception, action: Action) -> None:
    assert as_our_error(error).action is action


def error_of(call: Callable[[str], object], text: str) -> NephroSynthError:
    try:
        call(text)
    except ValueError as error:
        return as_our_error(error)
    raise AssertionError


def test_a_traceback_leaves_out_the_messages_of_what_reads_headers() -> None:
    ours = error_of(DSfloat, "Doe^Planted")
    trace = traceback_of(ours)
    assert "Planted" in str(ours.__cause__)
    assert "Planted" not in trace
    assert "valuerep.py" in trace
    assert ours.what in trace
    assert "no header" in traceback_of(error_of(int, "no header"))
