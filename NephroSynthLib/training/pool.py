"""A pool of prepared cases on disk, filled in the background and drawn from while it grows."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.errors import Action, ResourceError, UnreadableInputError, UsageError

PreparedCase = dict[str, NDArray[Any]]
"""Arrays of one prepared exam by name; their types are those that take the least space."""

MakeCase = Callable[[int], PreparedCase]

ANATOMY = "anatomy"
"""The array of a simulated case that names the label map of a real patient which drove it; empty if drawn."""

CASE_BYTES = 30_000_000
"""A usual case on the disk."""

FIRST_OF_COHORT = 100_000_000
"""The number of a simulated case is its seed, which is smaller; cases of a cohort have this number or a larger one."""


class CasePool:
    """Cases by seed in a folder, one `.npz` file each.

    Args:
        folder: Where the cases lie; made if it is not there.
        make: Makes the case of a seed; a function of a module, so that another process can call it.
    """

    def __init__(self, folder: Path, make: MakeCase) -> None:
        self.folder = folder
        self.make = make
        self._preparing: list[Future[None]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        """Returns the values by which another process draws from the pool."""
        return {**self.__dict__, "_preparing": []}

    def path(self, seed: int) -> Path:
        """Returns the file of a case."""
        return self.folder / f"{seed:06d}.npz"

    def ready(self) -> list[Path]:
        """Returns the files of the cases that are there, in the order of their seeds."""
        return sorted(self.folder.glob("[0-9]*.npz"))

    def load(self, path: Path) -> PreparedCase:
        """Reads a case from its file.

        Raises:
            UnreadableInputError: The file is damaged or cut short.
        """
        with _opened(path) as arrays:
            return {name: arrays[name] for name in arrays.files}

    def anatomy(self, path: Path) -> str:
        """Returns the name of the label map that drove a case; empty if its patient was drawn or is of a cohort."""
        with _opened(path) as arrays:
            return str(arrays[ANATOMY]) if ANATOMY in arrays.files else ""

    def check(self, wanted: Collection[str], task: str) -> None:
        """Checks that each case that lies there can be opened and is made for a task.

        Args:
            wanted: Arrays of which each case of the task holds at least one.
            task: The task, for the error.

        Raises:
            UnreadableInputError: A file is damaged or cut short.
            UsageError: A case is made for another task.
        """
        for path in self.ready():
            with _opened(path) as arrays:
                found = set(arrays.files)
            if found.isdisjoint(wanted):
                raise UsageError(f"The case {path} is not made for {task}.", Action.PREPARE_FOR_TASK)

    def part(self, paths: Sequence[Path], on_load: Callable[[int], None] = lambda index: None) -> CasePool:
        """Returns a pool of some of the cases.

        Args:
            paths: Their files.
            on_load: Told the index of a case before it is read; may raise `Cancelled`.
        """
        return _Part(self, paths, on_load)

    @contextmanager
    def filling(self, seeds: Iterable[int], workers: int = 1) -> Iterator[None]:
        """Prepares the missing cases of `seeds` in other processes, for as long as the context is open."""
        missing = [seed for seed in seeds if not self.path(seed).exists()]
        executor = ProcessPoolExecutor(workers, get_context("spawn"), initializer=os.nice, initargs=(5,))
        self._preparing = [executor.submit(_prepare, self.make, seed, self.path(seed)) for seed in missing]
        try:
            yield
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            self._raise_failures()
            raise
        executor.shutdown(wait=True, cancel_futures=True)
        self._raise_failures()

    def wait_for(
        self,
        count: int,
        on_wait: Callable[[int], None] = lambda ready: None,
        poll_s: float = 0.2,
        timeout_s: float = 3600.0,
    ) -> None:
        """Waits until `count` cases are there.

        Args:
            count: The number of cases.
            on_wait: Told again and again how many are there; may raise `Cancelled`.
            poll_s: Seconds between two looks.
            timeout_s: Seconds to wait for a further case.

        Raises:
            TimeoutError: They are not there in time.
            Exception: The preparation of a case raised it.
        """
        ready, since = len(self.ready()), time.monotonic()
        while ready < count:
            on_wait(ready)
            if time.monotonic() > since + timeout_s:
                raise TimeoutError(f"{ready} of {count} cases are prepared, and no other within {timeout_s:.0f} s.")
            self._raise_failures()
            time.sleep(poll_s)
            before, ready = ready, len(self.ready())
            since = since if ready == before else time.monotonic()

    def _raise_failures(self) -> None:
        for future in self._preparing:
            if future.done() and not future.cancelled():
                future.result()


class _Part(CasePool):
    """Some cases of a pool."""

    def __init__(self, pool: CasePool, paths: Sequence[Path], on_load: Callable[[int], None]) -> None:
        super().__init__(pool.folder, pool.make)
        self._paths = list(paths)
        self._on_load = on_load

    def ready(self) -> list[Path]:
        """See `CasePool.ready`."""
        return self._paths

    def load(self, path: Path) -> PreparedCase:
        """See `CasePool.load`."""
        self._on_load(self._paths.index(path))
        return super().load(path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            yield arrays
    except (BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise UnreadableInputError(f"The case {path} is damaged or cut short.", Action.REMOVE_CASE) from error


def check_processes() -> None:
    """Checks that processes of this system can share a lock, as the preparation of cases and the loading of crops do.

    Raises:
        ResourceError: They cannot, for example because /dev/shm is missing or not writable in a container.
    """
    try:
        get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        raise ResourceError(
            "Processes cannot share a lock on this system, which training needs: /dev/shm is missing or not writable.",
            Action.CHECK_PERMISSIONS,
        ) from error


def save_case(case: PreparedCase, path: Path) -> None:
    """Writes a case under a temporary name and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **case)  # type: ignore[arg-type]
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _prepare(make: MakeCase, seed: int, path: Path) -> None:
    save_case(make(seed), path)
