"""A whole export: the synthetic series and the kidney segmentation, in the study of their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
import SimpleITK as sitk

from NephroSynthLib.dicom.deidentify import UIDMap, deidentify
from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.file_parsing import integer_of
from NephroSynthLib.dicom.input_files import Source
from NephroSynthLib.dicom.kidney_segmentation import write_kidney_segmentation
from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.dicom.source_series import free_series_number, read_source
from NephroSynthLib.dicom.synthetic_series import write_synthetic_series
from NephroSynthLib.files.staging import staged_folder

SYNTHETIC_FOLDER = "synthetic_nephrographic"
SEGMENTATION_FILE = "kidneys.dcm"


@dataclass(frozen=True)
class Export:
    """The files of an export: the synthetic series in the order of its slices, and the segmentation if there is one."""

    series: tuple[Path, ...]
    segmentation: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return self.series if self.segmentation is None else (*self.series, self.segmentation)


@quiet()
def export_dicom(
    synthetic: sitk.Image,
    source: Series | Sequence[Source],
    out: Path,
    *,
    model: ModelIdentity | None,
    kidneys: sitk.Image | None = None,
    kidney_model: ModelIdentity | None = None,
    excretory: Series | Sequence[Source] | None = None,
    taken_series_numbers: Iterable[int] = (),
    deidentified: bool = False,
    overwrite: bool = False,
) -> Export:
    """Writes the synthetic phase, and the kidneys where they are given, as DICOM objects of the source's study.

    Args:
        synthetic: The synthetic nephrographic phase, HU, in the space of the source.
        source: The non-contrast series, or all of its files.
        out: The folder to make; it appears once everything in it is written.
        model: The model of the synthesis; None if it is not known.
        kidneys: Label map (1 right, 2 left) in the space of the source.
        kidney_model: The model of the segmentation; None for a label map that the user gave.
        excretory: The excretory series, if it is DICOM.
        taken_series_numbers: Series numbers that are in use in the study.
        deidentified: Remove every identifier (basic profile of PS3.15) and break the link to the study.
        overwrite: Replace an earlier export.

    Returns:
        The files.

    Raises:
        GeometryError: If a volume does not lie where the source lies.
        IdentityError: If the source files belong to several series.
        ImageContentError: If a volume cannot be stored.
        ResourceError: If the disk is full.
        UnreadableInputError: If a source file is not DICOM or lacks its UIDs.
        UsageError: If `out` exists and may not be replaced.

    Example:
        index = index_dicom(Path("exam"))
        model = ModelIdentity("nephrographic-synthesizer", sha256)
        export_dicom(synthetic, index.volumes[0], Path("series"), model=model, kidneys=kidneys)
    """
    noncontrast = read_source(source)
    second = None if excretory is None else read_source(excretory)
    series = [one.header for one in (noncontrast, second) if one is not None]
    taken = {
        *taken_series_numbers,
        *(number for one in series if (number := integer_of(one, "SeriesNumber")) is not None),
    }
    number = free_series_number(taken)
    with staged_folder(out, overwrite, (SYNTHETIC_FOLDER, SEGMENTATION_FILE)) as staged:
        files = write_synthetic_series(
            synthetic, noncontrast, staged / SYNTHETIC_FOLDER, model=model, series_number=number, excretory=second
        )
        if kidneys is not None:
            segmentation = staged / SEGMENTATION_FILE
            number = free_series_number({*taken, number})
            write_kidney_segmentation(kidneys, noncontrast, segmentation, model=kidney_model, series_number=number)
        if deidentified:
            _deidentify_files(list(staged.rglob("*.dcm")))
    return Export(
        tuple(out / SYNTHETIC_FOLDER / path.name for path in files),
        out / SEGMENTATION_FILE if kidneys is not None else None,
    )


def _deidentify_files(files: Iterable[Path]) -> None:
    uids = UIDMap()
    for path in files:
        instance = pydicom.dcmread(path)
        deidentify(instance, uids)
        instance.save_as(path, enforce_file_format=True)
