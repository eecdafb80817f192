"""The kidney label map as a DICOM segmentation with coded right and left kidney."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from NephroSynthLib import __version__
from NephroSynthLib.dicom.ct_writing import code
from NephroSynthLib.dicom.equipment import MANUFACTURER, MODEL_NAME, ModelIdentity, contributing_equipment
from NephroSynthLib.dicom.references import image_reference, instance_references, reference_series
from NephroSynthLib.dicom.source_series import SourceSeries, check_within, now_at, study_header
from NephroSynthLib.errors import ImageContentError
from NephroSynthLib.imaging.grids import index_to_world
from NephroSynthLib.imaging.sides import LEFT, RIGHT, SIDE_CODES

SERIES_DESCRIPTION = "Kidneys (RESEARCH)"
# Colours of the kidney in the anatomy terminology of 3D Slicer, the left one lighter.
_COLORS = {RIGHT: (185, 102, 83), LEFT: (211, 142, 124)}
_PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_IMAGE = (
    *("StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns", "ImageType"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)


def write_kidney_segmentation(
    kidneys: sitk.Image,
    source: SourceSeries,
    path: Path,
    *,
    model: ModelIdentity | None,
    series_number: int,
) -> Path:
    """Writes a label map (0 background, 1 right, 2 left) as a binary DICOM segmentation of the source series.

    Args:
        kidneys: 3D label map in the space of the source.
        source: The series in which the kidneys were found.
        path: The file to write.
        model: The model that found them; None for a label map that the user gave.
        series_number: A number that no other series of the study has.

    Returns:
        The file.

    Raises:
        GeometryError: If the label map does not lie where the source lies.
        ImageContentError: If there is no kidney, or a label other than 1 and 2.
    """
    check_within(source, kidneys)
    volume, present = _volume(kidneys, str(source.header.FrameOfReferenceUID))
    stand_ins = _single_frames(source, kidneys.GetSpacing()[2])
    segmentation = hd.seg.Segmentation(
        source_images=stand_ins,
        pixel_array=volume,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(number, label, model) for number, label in enumerate(present, start=1)],
        series_instance_uid=generate_uid(prefix=None),
        series_number=series_number,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=__version__,
        device_serial_number="none",
        content_description="Kidneys, research use only",
        content_label="KIDNEYS",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=SERIES_DESCRIPTION,
        content_qualification=hd.ContentQualificationValues.RESEARCH,
    )
    _reference_source(segmentation, source, stand_ins)
    segmentation.update(study_header(source))
    now = now_at(source.header)
    for kind in ("Series", "Content", "InstanceCreation"):
        setattr(segmentation, f"{kind}Date", now.strftime("%Y%m%d"))
        setattr(segmentation, f"{kind}Time", now.strftime("%H%M%S"))
    equipment = contributing_equipment(source.header, "Found the kidneys.", model)
    segmentation.add_new("ContributingEquipmentSequence", "SQ", equipment)
    path.parent.mkdir(parents=True, exist_ok=True)
    segmentation.save_as(path, enforce_file_format=True)
    return path


def _volume(kidneys: sitk.Image, frame_of_reference: str) -> tuple[hd.Volume, list[int]]:
    """Returns the label map with segments numbered from 1, and the label of each segment."""
    if kidneys.GetDimension() != 3:
        raise ImageContentError("The kidney label map is not three-dimensional.")
    labels = sitk.GetArrayFromImage(kidneys)
    present = [int(label) for label in np.unique(labels) if label != 0]
    if not present or not set(present) <= set(SIDE_CODES):
        raise ImageContentError("The kidney label map needs the labels 1 (right) and 2 (left), and no other.")
    segments = np.zeros(labels.shape, np.uint8)
    for number, label in enumerate(present, start=1):
        segments[labels == label] = number
    affine = index_to_world(kidneys)
    affine[:3, :3] = affine[:3, 2::-1]
    volume = hd.Volume(segments, affine, "PATIENT", frame_of_reference_uid=frame_of_reference)
    return volume.ensure_handedness(hd.AxisHandedness.RIGHT_HANDED, flip_axis=0), present


def _single_frames(source: SourceSeries, thickness_mm: float) -> list[Dataset]:
    """Returns each slice of the source as a separate instance with the attributes that a segmentation takes over.

    highdicom takes no enhanced source of several files and none without slice thickness. It refuses unknown character
    sets and malformed dates, and its warnings quote names. All these are left out here, and the segmentation gets the
    values of the source afterwards.
    """
    header = study_header(source)
    header.pop("SpecificCharacterSet", None)
    for element in header:
        if element.VR in ("PN", "DA", "TM", "DT"):
            element.value = None
    instances = []
    for number, frame in enumerate(source.frames, start=1):
        instance = Dataset()
        instance.update(header)
        for attributes, keywords in ((frame.attributes, _PLANE), (frame.instance, _IMAGE)):
            for keyword in keywords:
                if keyword in attributes:
                    instance.add(attributes[keyword])
        instance.Modality, instance.InstanceNumber = "CT", number
        instance.SOPClassUID, instance.SOPInstanceUID = CTImageStorage, generate_uid(prefix=None)
        instance.SliceThickness = format_number_as_ds(thickness_mm)
        instances.append(instance)
    return instances


def _reference_source(segmentation: Dataset, source: SourceSeries, stand_ins: Sequence[Dataset]) -> None:
    """Replaces the stand-ins by the slices of the source wherever the segmentation refers to them."""
    frames = dict(zip((str(instance.SOPInstanceUID) for instance in stand_ins), source.frames, strict=True))
    segmentation.SourceImageSequence = instance_references(source.frames)
    reference_series(segmentation, source.frames)
    for group in segmentation.PerFrameFunctionalGroupsSequence:
        for derivation in group.get("DerivationImageSequence") or []:
            for item in derivation.SourceImageSequence:
                frame = frames.get(str(item.ReferencedSOPInstanceUID))
                if frame is not None:  # segments share their items
                    item.update(image_reference(frame))


def _describe(number: int, label: int, model: ModelIdentity | None) -> hd.seg.SegmentDescription:
    scheme, side_code, side = SIDE_CODES[label]
    name = f"{side} kidney"
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.Kidney,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC if model else "MANUAL",
        algorithm_identification=_algorithm(model) if model else None,
        tracking_uid=generate_uid(prefix=None),
        tracking_id=name,
        display_color=hd.color.CIELabColor.from_rgb(*_COLORS[label]),
    )
    kidney = description.SegmentedPropertyTypeCodeSequence[0]
    kidney.SegmentedPropertyTypeModifierCodeSequence = [code(side_code, scheme, side)]
    return description


def _algorithm(model: ModelIdentity) -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=model.label,
        family=codes.DCM.ArtificialIntelligence,
        version=__version__,
        source=MODEL_NAME,
        parameters={"sha256": model.sha256},
    )
