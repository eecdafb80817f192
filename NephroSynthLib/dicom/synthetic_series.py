"""The synthetic nephrographic phase as a CT series whose attributes mark it as synthetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from NephroSynthLib import __version__
from NephroSynthLib.dicom.ct_writing import code, write_ct_series
from NephroSynthLib.dicom.equipment import ModelIdentity, add_equipment, contributing_equipment
from NephroSynthLib.dicom.references import image_reference, reference_series
from NephroSynthLib.dicom.source_series import SourceSeries, check_within, frames_at, now_at, study_header

SERIES_DESCRIPTION = "SYNTHETIC nephrographic phase (RESEARCH, not acquired)"
_TASK = "Synthesized the nephrographic phase from the non-contrast and the excretory phase."
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def write_synthetic_series(
    synthetic: sitk.Image,
    source: SourceSeries,
    folder: Path,
    *,
    model: ModelIdentity | None,
    series_number: int,
    excretory: SourceSeries | None = None,
) -> list[Path]:
    """Writes the synthetic phase into the study and the frame of reference of the non-contrast series.

    Series and instance UIDs are new. Exposure, dose, contrast and acquisition time are left out: there were none.

    Args:
        synthetic: 3D image, HU, in the space of the source; rounded to whole HU.
        source: The non-contrast series, on whose grid the volume was computed.
        folder: The folder of the files.
        model: The model that computed it; None if it is not known.
        series_number: A series number that is free in the study.
        excretory: The excretory series, if it is DICOM; its slices are then referenced as well.

    Returns:
        The files, in the order of the slices.

    Raises:
        GeometryError: If the volume does not lie where the source lies.
        ImageContentError: If the volume cannot be stored as CT.
    """
    check_within(source, synthetic)
    sources = [source] if excretory is None else [source, excretory]
    header = _series_header(sources, model, series_number)
    uids = [generate_uid(prefix=None) for _ in range(synthetic.GetDepth())]

    def reference_sources(index: int, instance: Dataset) -> None:
        frames = [frame for series in sources for frame in frames_at(series, synthetic, index)]
        instance.SourceImageSequence = [image_reference(frame) for frame in frames]
        for item in instance.SourceImageSequence:
            item.PurposeOfReferenceCodeSequence = [code("121322", "DCM", "Source image for image processing operation")]
        reference_series(instance, frames)

    return write_ct_series(
        synthetic, folder, header, uids, descending=source.descending, describe_slice=reference_sources
    )


def _series_header(sources: Sequence[SourceSeries], model: ModelIdentity | None, series_number: int) -> Dataset:
    header = study_header(sources[0])
    header.Modality = "CT"
    header.SeriesInstanceUID = generate_uid(prefix=None)
    header.SeriesNumber = series_number
    header.SeriesDescription = SERIES_DESCRIPTION
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "SYNTHETIC"]
    header.DerivationDescription = (
        f"{_TASK} NephroSynth {__version__}; {f'model {model}' if model else 'the model is not on record'}. "
        "No nephrographic phase was acquired for this series. Research use only, not for diagnosis."
    )
    header.ImageComments = "SYNTHETIC: computed, not acquired. Research use only."
    header.ContentQualification = "RESEARCH"
    header.BodyPartExamined = "ABDOMEN"
    header.BurnedInAnnotation = "NO"
    header.KVP = header.AcquisitionNumber = None
    now = now_at(sources[0].header)
    header.SeriesDate = header.ContentDate = header.InstanceCreationDate = now.strftime("%Y%m%d")
    header.SeriesTime = header.ContentTime = header.InstanceCreationTime = now.strftime("%H%M%S")
    add_equipment(header)
    header.ContributingEquipmentSequence = contributing_equipment(sources[0].header, _TASK, model)
    _keep_lossy_history(header, sources)
    return header


def _keep_lossy_history(header: Dataset, sources: Iterable[SourceSeries]) -> None:
    lossy = [series.header for series in sources if series.header.get("LossyImageCompression") == "01"]
    for keyword in _LOSSY if lossy else ():
        if keyword in lossy[0]:
            header.add(lossy[0][keyword])
