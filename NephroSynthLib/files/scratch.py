"""The temporary data of this process, which is removed when its work ends, also after an error or a cancellation.

A writer announces a temporary path before it creates it. Whoever watches the process (`watch`) can then remove the path
if the process is killed; a process that has to end at once (`abandon`) removes its paths itself and commits no more.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_paths: set[Path] = set()
_committing = threading.RLock()
_watcher: Callable[[Path], None] | None = None


def watch(watcher: Callable[[Path], None]) -> None:
    """Reports each temporary path to `watcher` from now on, before the path is created."""
    global _watcher
    _watcher = watcher


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Announces a file or folder that the block will create, and removes it at the end if it still exists."""
    if _watcher is not None:
        _watcher(path)
    _paths.add(path)
    try:
        yield path
    finally:
        remove(path)
        _paths.discard(path)


@contextmanager
def commit() -> Iterator[None]:
    """Guards the renaming of temporary data to its final name, so that `abandon` never runs during the block."""
    with _committing:
        yield


def abandon() -> None:
    """Removes all temporary data and blocks further commits of other threads. The process must end right after."""
    _committing.acquire()
    for path in list(_paths):
        remove(path)


def remove(path: Path) -> None:
    """Removes a file or folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # a read-only file system refuses to remove even a missing file
        path.unlink(missing_ok=True)
