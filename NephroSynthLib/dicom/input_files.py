"""The files of a folder, of a DICOMDIR or in a zip, which is read without unpacking it."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import pydicom

from NephroSynthLib.errors import Action, UnreadableInputError

MAX_MEMBER_BYTES = 2 << 30
MAX_ARCHIVE_BYTES = 64 << 30
_SUSPICIOUS_BYTES = 64 << 20
_SUSPICIOUS_RATIO = 200


@dataclass(frozen=True)
class ZipMember:
    """One file in a zip; several may have the same name."""

    archive: zipfile.ZipFile = field(repr=False)
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """The last part of its name."""
        return PurePosixPath(self.info.filename).name

    @property
    def parent(self) -> PurePosixPath:
        """Its folder in the zip."""
        return PurePosixPath(self.info.filename).parent

    def open(self, mode: Literal["rb"] = "rb") -> IO[bytes]:
        """Opens it for reading without unpacking it."""
        return self.archive.open(self.info)

    def read_bytes(self) -> bytes:
        """Returns its whole content."""
        return self.archive.read(self.info)


Source = Path | ZipMember


@dataclass(frozen=True)
class Skipped:
    """A file that is in no series, and why."""

    path: Source
    reason: str


def find_sources(path: Path) -> tuple[list[Source], list[Skipped]]:
    """Finds the files that may be DICOM objects in a folder (nested), a DICOMDIR or a zip, or takes the one file given.

    Symbolic links are followed, each folder once. Nothing is written.

    Raises:
        UnreadableInputError: If `path` does not exist, is damaged, or is a zip that inflates without end.
    """
    skipped: list[Skipped] = []
    try:
        if path.is_dir():
            return [*_walk(path, skipped)], skipped
        if not path.is_file():
            raise UnreadableInputError("The DICOM file or folder does not exist.", Action.GIVE_DICOM)
        if is_dicom(path):
            return _directory_files(path, skipped) if path.name.upper() == "DICOMDIR" else [path], skipped
        if zipfile.is_zipfile(path):
            return [*_members(path, skipped)], skipped
    except OSError as error:
        raise UnreadableInputError("The DICOM file or folder cannot be opened.", Action.CHECK_PERMISSIONS) from error
    raise UnreadableInputError("The file is neither DICOM nor a whole zip.", Action.GIVE_DICOM)


def is_dicom(path: Source) -> bool:
    """Tells whether a file starts as a DICOM file does."""
    with path.open("rb") as file:
        return starts_as_dicom(file.read(132))


def starts_as_dicom(start: bytes) -> bool:
    """Tells whether 132 bytes begin a DICOM file, with preamble or without."""
    return start[128:132] == b"DICM" or (start[:2] in (b"\x08\x00", b"\x02\x00") and start[3:4] == b"\x00")


def _walk(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        entry = waiting.pop()
        try:
            status = entry.stat()
        except OSError:
            skipped.append(Skipped(entry, "a broken link, or not accessible"))
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry
        elif not stat.S_ISDIR(status.st_mode):
            skipped.append(Skipped(entry, "not a regular file"))
        elif (status.st_dev, status.st_ino) in seen:
            skipped.append(Skipped(entry, "a link to a folder that was already read"))
        else:
            seen.add((status.st_dev, status.st_ino))
            try:
                waiting.extend(sorted(entry.iterdir(), reverse=True))
            except OSError:
                skipped.append(Skipped(entry, "the folder cannot be opened"))


def _directory_files(dicomdir: Path, skipped: list[Skipped]) -> list[Source]:
    try:
        records = pydicom.dcmread(dicomdir, specific_tags=["DirectoryRecordSequence"]).DirectoryRecordSequence
        names = [record.ReferencedFileID for record in records if record.get("ReferencedFileID")]
    except Exception as error:  # pydicom raises many kinds of errors on damaged files
        raise UnreadableInputError("The DICOMDIR is damaged.", Action.GIVE_DICOM) from error
    sources: list[Source] = []
    listings: dict[Path, dict[str, Path]] = {}
    for name in dict.fromkeys((name,) if isinstance(name, str) else tuple(name) for name in names):
        found = _beside(dicomdir.parent, name, listings)
        if found is None:
            skipped.append(Skipped(dicomdir.parent.joinpath(*name), "listed in the DICOMDIR but not there"))
        else:
            sources.append(found)
    return sources


def _beside(folder: Path, names: tuple[str, ...], listings: dict[Path, dict[str, Path]]) -> Path | None:
    """Returns the file with these path components under `folder`, in any case; None if there is none.

    `listings` caches the files of each folder by name without case.
    """
    for name in names:
        if PurePosixPath(name).name != name or name in ("", "..") or "\\" in name:
            return None
        exact = folder / name
        if not exact.exists() and folder.is_dir():
            if folder not in listings:
                listings[folder] = {entry.name.casefold(): entry for entry in folder.iterdir()}
            exact = listings[folder].get(name.casefold(), exact)
        folder = exact
    return folder if folder.is_file() else None


def _members(path: Path, skipped: list[Skipped]) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UnreadableInputError("The zip is damaged.", Action.EXPORT_AGAIN) from error
    members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > MAX_ARCHIVE_BYTES:
        raise UnreadableInputError(f"The zip inflates to more than {MAX_ARCHIVE_BYTES >> 30} GB.", Action.UNPACK)
    for info in members:
        member = ZipMember(archive, info)
        reason = _suspicion(info)
        if reason:
            skipped.append(Skipped(member, reason))
        else:
            yield member


def _suspicion(info: zipfile.ZipInfo) -> str:
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    if ".." in parts or info.filename.startswith(("/", "\\")) or (parts and ":" in parts[0]):
        return "its name leads out of the zip"
    if info.flag_bits & 1:
        return "encrypted"
    inflates = info.file_size > _SUSPICIOUS_BYTES and info.file_size > _SUSPICIOUS_RATIO * info.compress_size
    return "inflates out of all proportion" if inflates or info.file_size > MAX_MEMBER_BYTES else ""
