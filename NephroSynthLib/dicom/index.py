"""The index of any collection of DICOM files: its series, its CT volumes, and the files that were skipped."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from NephroSynthLib.dicom.file_header import Header, read_header
from NephroSynthLib.dicom.input_files import Skipped, Source, find_sources
from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.dicom.series import Series, build_series
from NephroSynthLib.progress import Progress

_READERS = 4
_BATCH = 64


@dataclass(frozen=True)
class DicomIndex:
    """The content of a folder, DICOMDIR or zip.

    Attributes:
        series: All series with any DICOM object, sorted by study and number. Series that are not axial CT volumes in HU
            give the reason in `why_not_volume`.
        skipped: The files that are in no series, with the reason.
    """

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...]

    @property
    def volumes(self) -> tuple[Series, ...]:
        """The series that are axial CT volumes in HU."""
        return tuple(series for series in self.series if series.why_not_volume is None)


def index_dicom(path: Path, progress: Progress = Progress()) -> DicomIndex:
    """Reads the headers of all DICOM files in a folder (nested), DICOMDIR, zip or file, and sorts them into series.

    Args:
        path: The folder, DICOMDIR, zip or file. Foreign and damaged files are skipped with a reason.
        progress: Receives the progress after each batch of files.

    Raises:
        UnreadableInputError: If there is nothing at `path`, or it is a damaged or malicious zip.
        Cancelled: If the user cancelled.

    Example:
        index = index_dicom(Path("exam.zip"))
        for series in index.volumes:
            print(series.title)
    """
    sources, skipped = find_sources(path)
    headers: list[Header] = []
    with quiet():
        for done, found in enumerate(_read_headers(sources), start=1):
            if isinstance(found, Header):
                headers.append(found)
            else:
                skipped.append(found)
            if done % _BATCH == 0:
                progress.update(done / len(sources), f"reading DICOM headers, {done} of {len(sources)}")
        series, duplicates = build_series(headers)
    progress.update(1.0, f"{len(series)} series in {len(sources)} files")
    return DicomIndex(tuple(series), (*skipped, *duplicates))


def _read_headers(sources: list[Source]) -> Iterator[Header | Skipped]:
    with ThreadPoolExecutor(_READERS) as readers:
        try:
            yield from readers.map(read_header, sources)
        finally:
            readers.shutdown(wait=True, cancel_futures=True)
