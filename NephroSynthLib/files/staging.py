"""Atomic writing: under a temporary name beside the target, which is renamed at the end."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from NephroSynthLib.errors import Action, NephroSynthError, ResourceError, UsageError
from NephroSynthLib.files import scratch

_PREFIX = ".nephrosynth"
_DOUBLE_SUFFIXES = (".nii.gz", ".seg.nrrd")


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yields a temporary path beside `target`, of the same suffix, that takes its place when the block succeeds.

    Args:
        target: The file to write. An older file of this name is replaced; its folder is created.

    Raises:
        ResourceError: If the disk is full or the target cannot be written.
    """
    with _disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        with scratch.temporary(target.parent / _temporary_name(file_suffix(target))) as temporary:
            yield temporary
            with scratch.commit():
                os.replace(temporary, target)


@contextmanager
def staged_folder(out: Path, overwrite: bool = False, results: Collection[str] = ("*",)) -> Iterator[Path]:
    """Yields a temporary folder beside `out`, which takes its place when the block succeeds.

    Args:
        out: The folder to write.
        overwrite: Whether an older, filled folder may be replaced; it stays as it is until the block has succeeded.
        results: Names or patterns of the files of an older result. A folder with any other file is never replaced.

    Raises:
        UsageError: As `check_target`.
        ResourceError: If the disk is full or the folder cannot be written.
    """
    check_target(out, overwrite, results)
    out = out.resolve()
    with _disk_errors():
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out.parent)
        with scratch.temporary(out.parent / _temporary_name()) as temporary:
            temporary.mkdir()
            yield temporary
            check_target(out, overwrite, results)
            with scratch.commit():
                _replace_folder(temporary, out)


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """Yields a new folder in `place` that only this user can read, and removes it at the end.

    Those of processes that were killed are removed first.
    """
    remove_leftovers(place)
    with scratch.temporary(place / _temporary_name()) as folder:
        folder.mkdir(mode=0o700)
        yield folder


def remove_leftovers(folder: Path) -> None:
    """Deletes temporary files and folders in `folder` that processes of this machine left when they were killed."""
    for leftover in folder.glob(f"{_PREFIX}-{_machine()}-*"):
        owner = leftover.name.removeprefix(f"{_PREFIX}-{_machine()}-").split(".")[0].split("-")
        if len(owner) == 3 and owner[0].isdigit() and _started(int(owner[0])) != owner[1]:
            scratch.remove(leftover)


def file_suffix(path: Path) -> str:
    """Returns the suffix that tells the format of an image file: the last one, or two of them, as in .nii.gz."""
    name = path.name.lower()
    return next((suffix for suffix in _DOUBLE_SUFFIXES if name.endswith(suffix)), path.suffix)


def _temporary_name(suffix: str = "") -> str:
    return f"{_PREFIX}-{_machine()}-{os.getpid()}-{_started(os.getpid())}-{secrets.token_hex(4)}{suffix}"


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """Returns the start time of a process in centiseconds; empty if there is none, or if it has already ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(round(process.create_time() * 100))
    except psutil.NoSuchProcess:
        return ""


def check_target(out: Path, overwrite: bool, results: Collection[str]) -> None:
    """Refuses an output folder that `staged_folder` would refuse, without leaving anything on the disk.

    A link to a folder counts as the folder.

    Raises:
        UsageError: If `out` is or lies in a file, is a filled folder that may not be replaced, or has a name that is
            not valid UTF-8, which ITK cannot write, is too long, or is a link that leads back to itself.
        ResourceError: If nothing can be written there.
    """
    with _disk_errors():
        _check_name(out)
        _check_contents(out, overwrite, results)
        _probe(out.resolve().parent)


def check_writable(out: Path) -> None:
    """Refuses a folder in which a job cannot write, without leaving anything on the disk; it may be filled.

    Raises:
        UsageError: If `out` is or lies in a file, or has a name that is not valid UTF-8, is too long, or is a link
            that leads back to itself.
        ResourceError: If nothing can be written there.
    """
    with _disk_errors():
        _check_name(out)
        _probe(out.resolve())


def check_file(target: Path) -> None:
    """Refuses a file that a job cannot write, without leaving anything on the disk; it may exist.

    Raises:
        UsageError: If it is a folder or lies in a file, or has a name that is not valid UTF-8, is too long, or leads
            back to itself.
        ResourceError: If nothing can be written there.
    """
    with _disk_errors():
        _check_name(target)
        if target.is_dir():
            raise UsageError("The output path is a folder.", Action.CHOOSE_FOLDER)
        _probe(target.resolve().parent)


def check_space(out: Path, needed: int) -> None:
    """Refuses an output folder on a disk with less free space than a job will need.

    Args:
        out: The folder, which need not exist yet.
        needed: Estimate in bytes.

    Raises:
        ResourceError: If there is less.
    """
    free = shutil.disk_usage(_existing(out.resolve())).free
    if free < needed:
        raise ResourceError(
            f"The disk of the output folder has {free / 1e6:.0f} MB free, and the result needs about "
            f"{needed / 1e6:.0f} MB.",
            Action.FREE_DISK_SPACE,
        )


def _check_name(out: Path) -> None:
    """Refuses names that the system refuses, or that are not valid UTF-8, also of the place that a link names."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.stat(out)  # names that are too long, and links that go round in a circle
    try:
        os.fspath(out.resolve()).encode()
    except UnicodeEncodeError as error:
        raise UsageError("The output path is not valid UTF-8.", Action.CHOOSE_FOLDER) from error


def _probe(folder: Path) -> None:
    """Makes and removes an empty folder in the nearest existing one, since no other check of writing is certain."""
    place = _existing(folder)
    if not place.is_dir():
        raise UsageError("The output path lies in a file.", Action.CHOOSE_FOLDER)
    probe = place / _temporary_name()
    try:
        probe.mkdir()
    except FileNotFoundError as error:  # in /proc and other folders that the system keeps
        raise ResourceError("The output cannot be written.", Action.CHECK_PERMISSIONS) from error
    probe.rmdir()


def _existing(place: Path) -> Path:
    """Returns a path, or the nearest folder above it that exists."""
    return next(one for one in (place, *place.parents) if one.exists())


def _check_contents(out: Path, overwrite: bool, results: Collection[str]) -> None:
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise UsageError("The output path is not a folder.", Action.CHOOSE_FOLDER)
    entries = [entry.name for entry in out.iterdir()]
    if not entries:
        return
    if not overwrite:
        raise UsageError("The output folder exists and is not empty.", Action.REPLACE_FOLDER)
    resolved = out.resolve()
    precious = any(resolved in (place, *place.parents) for place in (Path.cwd().resolve(), Path.home().resolve()))
    foreign = any(not any(fnmatch(name, pattern) for pattern in results) for name in entries)
    if precious or foreign or os.path.ismount(out):
        raise UsageError(
            "The output folder holds more than an earlier result, so it is not replaced.", Action.CHOOSE_FOLDER
        )


def check_apart(out: Path, other: Path) -> None:
    """Refuses two output folders if one is the other or lies inside the other, because each replaces its old content.

    Raises:
        UsageError: If they are not apart.
    """
    first, second = out.resolve(), other.resolve()
    if first == second or first in second.parents or second in first.parents:
        raise UsageError("One output folder lies in the other.", Action.SEPARATE_FOLDERS)


def _replace_folder(new: Path, out: Path) -> None:
    """Puts `new` in the place of `out`; puts the old folder back if that fails."""
    if not out.exists():
        os.rename(new, out)
        return
    kept, doomed = out.parent / _temporary_name("-kept"), out.parent / _temporary_name()
    os.rename(out, kept)
    try:
        os.rename(new, out)
    except OSError:
        os.rename(kept, out)
        raise
    with scratch.temporary(doomed):
        os.rename(kept, doomed)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except NephroSynthError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ResourceError("The disk is full.", Action.FREE_DISK_SPACE) from error
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError("The output path is too long.", Action.CHOOSE_FOLDER) from error
        if error.errno == errno.ELOOP:
            raise UsageError("The output path is a link that leads back to itself.", Action.CHOOSE_FOLDER) from error
        if error.errno in (
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.EIO,
            errno.ENOTDIR,
            errno.EEXIST,
            errno.EISDIR,
        ):
            raise ResourceError("The output cannot be written.", Action.CHECK_PERMISSIONS) from error
        raise
