"""The lock of a folder with results, so that no two runs work in it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from NephroSynthLib.errors import Action, UsageError


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Holds the lock of a folder, which the system releases if this process is killed.

    Raises:
        UsageError: Another run holds it.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise UsageError("Another run works in the output folder.", Action.WAIT_FOR_RUN) from error
