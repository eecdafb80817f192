"""A DICOM series as one volume in HU."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from NephroSynthLib.dicom.file_header import flattened_groups
from NephroSynthLib.dicom.file_parsing import parse
from NephroSynthLib.dicom.input_files import Source
from NephroSynthLib.dicom.pixel_values import stored_frames, to_hounsfield
from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.series_identity import Identity
from NephroSynthLib.errors import Action, GeometryError, UnreadableInputError
from NephroSynthLib.progress import Progress

_READERS = 4


@dataclass(frozen=True)
class DicomVolume:
    """A series as float32 HU on its own grid, with its slices along the normal of their rows and columns.

    `header` has the attributes of the first slice, without pixels.
    """

    image: sitk.Image
    identity: Identity = field(repr=False)
    header: Dataset = field(repr=False)


def read_series(series: Series, progress: Progress = Progress()) -> DicomVolume:
    """Reads the pixels of a series, decoded and rescaled to HU, with padding at -1024 HU.

    Raises:
        GeometryError: If its slices make no regular volume.
        UnreadableInputError: If a slice is truncated or damaged.
        Cancelled: If the user cancelled.

    Example:
        index = index_dicom(Path("exam"))
        volume = read_series(index.volumes[0])
        volume.image.GetSpacing()  # mm
    """
    if series.stack is None:
        raise GeometryError(f"The DICOM {series.title} is not a volume: {series.why_not_volume}.")
    width, height, depth = series.stack.size
    values = np.empty((depth, height, width), dtype=np.float32)
    wanted: dict[Source, list[tuple[int, int | None]]] = defaultdict(list)
    for index, piece in enumerate(series.slices):
        wanted[piece.source].append((index, piece.frame))
    with quiet(), ThreadPoolExecutor(_READERS) as readers:
        jobs = [readers.submit(_read_file, source, frames, values) for source, frames in wanted.items()]
        try:
            for done, job in enumerate(jobs, start=1):
                job.result()
                progress.update(done / len(jobs), f"reading {series.title}")
        finally:
            readers.shutdown(wait=True, cancel_futures=True)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(series.stack.spacing)
    image.SetOrigin(series.stack.origin)
    image.SetDirection(series.stack.direction)
    return DicomVolume(image, series.identity, series.header)


def _read_file(source: Source, wanted: list[tuple[int, int | None]], values: NDArray[np.float32]) -> None:
    """Puts the frames of one file at their indices in `values` (z, y, x)."""
    try:
        dataset = parse(source)
        frames = stored_frames(dataset)
        for index, frame in wanted:
            attributes = dataset if frame is None else flattened_groups(dataset, frame)
            values[index] = to_hounsfield(frames[frame or 0], dataset, attributes)
    except MemoryError:
        raise
    except Exception as error:  # the decoders raise many kinds of errors on damaged files
        numbers = f"slice {wanted[0][0] + 1}" if len(wanted) == 1 else "the multi-frame file"
        raise UnreadableInputError(
            f"The DICOM series cannot be read: {numbers} is truncated or damaged.", Action.EXPORT_AGAIN
        ) from error
