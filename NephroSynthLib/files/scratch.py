"""The temporary data of this process: gone when its work ends, however it ends.

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
    """Tells `watcher` each temporary path from now on, before it is created."""
    global _watcher
    _watcher = watcher


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Announces a file or folder that the block will create, and removes what is left of it when the block ends."""
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
    """The moment in which temporary data takes its final name; `abandon` comes before it or after it, never within."""
    with _committing:
        yield


def abandon() -> None:
    """Removes all temporary data, and lets no other thread commit any more. The process has to end right after."""
    _committing.acquire()
    for path in list(_paths):
        remove(path)


def remove(path: Path) -> None:
    """Removes a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # a read-only file system refuses to remove even what is not there
        path.unlink(missing_ok=True)
