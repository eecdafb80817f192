"""The header of one DICOM file, without its pixels: its series and the places of its slices."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from NephroSynthLib.dicom.file_parsing import NotDicom, integer_of, parse
from NephroSynthLib.dicom.input_files import Skipped, Source
from NephroSynthLib.dicom.series_identity import Identity, hashed
from NephroSynthLib.dicom.stack import Plane
from NephroSynthLib.phases.words import names_several_energies

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_DICOMDIR = "1.2.840.10008.1.3.10"
_CT_CLASSES = {CT_IMAGE, f"{CT_IMAGE}.1", f"{CT_IMAGE}.2"}
_DECODABLE = {
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"),
    *(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91)),
    "1.2.840.10008.1.2.5",
}
# The values that reasons may quote. Any other value of these attributes may be free text, and name the patient.
_MODALITIES = {
    *("CR", "DX", "MG", "MR", "NM", "OT", "PR", "PT", "RF", "RTDOSE", "RTIMAGE", "RTPLAN", "RTSTRUCT", "SC", "SEG"),
    *("SR", "US", "XA", "DOC", "KO", "REG", "RWV", "ECG"),
}
_RESCALE_TYPES = {"OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"}
REFORMAT = "reformat, made from another series"
ENERGIES = "computed from several energies"
DERIVED = (REFORMAT, ENERGIES)
_LOCALIZER = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"}
_REFORMAT = {
    *("MPR", "CSA MPR", "REFORMATTED", "MIP", "MINIP", "MIN IP", "MAX_IP", "MIN_IP", "PROJECTION IMAGE", "VOLREN"),
    *("VOLUME_RENDER", "VRT", "SSD", "RENDERED", "CURVED", "CPR", "RESAMPLED"),
}
# Words within composed values, as in CT_SOM5 MIP. CT_SOM5 MPR is missing: it is often the only thick axial series.
_PROJECTION_WORDS = {"MIP", "MINIP", "VRT", "SSD"}
_ENERGY_WORDS = {"VNC", "VUE", "IODINE"}
_ENERGIES = {  # value 4 in PS3.3 C.8.2.1.1.1; virtual monoenergetic images (VMI) are like acquired ones
    *("MAT_SPECIFIC", "MAT_REMOVED", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "MAT_MODIFIED"),
    *("EFF_ATOMIC_NUM", "ELECTRON_DENSITY"),
}
_TRAITS = (
    *("AcquisitionNumber", "AcquisitionDateTime", "AcquisitionTime", "TemporalPositionIndex", "ConvolutionKernel"),
    *("ImageType", "KVP", "ContentTime", "StackID", "FrameAcquisitionNumber", "FrameAcquisitionDateTime"),
)
_PHASE_TAGS = (
    *("ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusStartTime", "ContrastBolusStopTime"),
    *("ContrastBolusRoute", "ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastFlowRate", "ProtocolName"),
    *("ContrastBolusIngredient", "ContrastBolusUsageSequence", "SeriesDescription", "StudyDescription"),
    *("SeriesNumber", "StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "ContentDate"),
    *("BodyPartExamined", "SliceThickness", "ScanOptions", "ImageComments", "PatientPosition", "Manufacturer"),
    *("AcquisitionProtocolDescription", "RequestedProcedureDescription", "PerformedProcedureStepDescription"),
    *("DerivationDescription", "ContentQualification", "InstanceNumber"),
    *("ContrastBolusIngredientConcentration", "PatientWeight"),
)
_TAGS = [
    Tag(keyword)
    for keyword in (
        *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
        *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "GantryDetectorTilt"),
        *("RescaleType", "RescaleSlope", "RescaleIntercept"),
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames"),
        *("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "SharedFunctionalGroupsSequence"),
        *("PerFrameFunctionalGroupsSequence", *_TRAITS, *_PHASE_TAGS),
    )
]


@dataclass(frozen=True)
class Slice:
    """One image: its file, its frame in it (from 0; None if it is the only one), and its place.

    `traits` are the values by which acquisitions within a series are told apart, in the order in which they are tried.
    """

    source: Source
    frame: int | None
    uid: str
    number: int
    plane: Plane
    traits: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """A DICOM file's header: the data set without pixels, and its slices, or the reason for none in `set_aside`."""

    source: Source
    dataset: Dataset
    identity: Identity
    slices: tuple[Slice, ...]
    set_aside: str | None


def read_header(source: Source) -> Header | Skipped:
    """Reads the header of a file. Returns the reason if it is not DICOM or damaged; no content of a file raises."""
    try:
        dataset = parse(source, _TAGS)
        if dataset.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
            return Skipped(source, "a DICOMDIR, not an image")
        if not any(keyword in dataset for keyword in ("SOPClassUID", "Modality", "SeriesInstanceUID")):
            return Skipped(source, "damaged, or not a DICOM object")
        identity = _identity(dataset)
        set_aside = _why_set_aside(dataset)
        if set_aside and set_aside not in DERIVED:
            return Header(source, dataset, identity, (), set_aside)
        slices, types = _slices(source, dataset)
        derived = set_aside or _why_derived(types, "")
        return Header(source, dataset, identity, tuple(slices), derived if slices else "localizer")
    except NotDicom as error:
        return Skipped(source, str(error))
    except _NoSlice as error:
        return Header(source, dataset, identity, (), str(error))
    except Exception:  # pydicom and zipfile raise many kinds of errors on damaged files
        return Skipped(source, "damaged, or not readable")


class _NoSlice(Exception):
    """An image that is no slice of a volume in HU; the message is the reason to record."""


def _identity(dataset: Dataset) -> Identity:
    return Identity(
        hashed(dataset.get("PatientID")),
        hashed(dataset.get("PatientName")),
        hashed(dataset.get("PatientBirthDate")),
        hashed(dataset.get("PatientSex")),
        str(dataset.get("StudyInstanceUID") or ""),
        str(dataset.get("SeriesInstanceUID") or ""),
        str(dataset.get("FrameOfReferenceUID") or ""),
    )


def _why_set_aside(dataset: Dataset) -> str | None:
    """Returns the reason why a DICOM object is no slice of an axial CT volume in HU; None if it may be one."""
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    modality = str(dataset.get("Modality") or "").upper()
    name = _uid_name(sop_class)
    types = _types(dataset, "ImageType")
    if "Dose" in name:
        return "radiation dose report"
    if "Secondary Capture" in name:
        return "secondary capture (a picture, e.g. a dose report or a rendering)"
    if modality and modality != "CT":
        return f"{modality if modality in _MODALITIES else 'another modality'}, not CT"
    if sop_class not in _CT_CLASSES and not (sop_class == "" and modality == "CT" and "Rows" in dataset):
        return f"not a CT image ({name or 'unknown object'})"
    if str(dataset.file_meta.get("TransferSyntaxUID") or "") not in _DECODABLE:
        syntax = _uid_name(str(dataset.file_meta.TransferSyntaxUID)) or "unknown transfer syntax"
        return f"compressed in a way that cannot be decoded here ({syntax})"
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        return "a colour picture"
    if types & _LOCALIZER:
        return "localizer"
    if not dataset.get("PerFrameFunctionalGroupsSequence"):
        problem = _why_not_hounsfield(dataset)
        if problem:
            return problem
    return _why_derived(types, str(dataset.get("SeriesDescription") or ""))


def _uid_name(uid: str) -> str:
    """Returns the standard's name of a UID; an empty text for a UID that it does not know, or for another text."""
    name = UID(uid).name
    return "" if name == uid else name


def _why_derived(types: set[str], description: str) -> str | None:
    """Returns the kind of derivation that the header of a CT image names; None where it names none."""
    words = {word for value in types for word in re.split(r"[\W_]+", value)}
    if types & _ENERGIES or words & _ENERGY_WORDS or names_several_energies(description):
        return ENERGIES
    return REFORMAT if types & _REFORMAT or words & _PROJECTION_WORDS else None


def _why_not_hounsfield(attributes: Dataset) -> str | None:
    unit = str(attributes.get("RescaleType") or "HU").upper()
    if not unit.startswith(("HU", "US", "HOUNSFIELD")):
        return f"values in {unit if unit in _RESCALE_TYPES else 'another unit'}, not in HU"
    if any(attributes.get(keyword) in (None, "") for keyword in ("RescaleSlope", "RescaleIntercept")):
        return "without the rescale of its values to HU"
    return None


def _types(attributes: Dataset, keyword: str) -> set[str]:
    value = attributes.get(keyword) or ()
    return {str(one).upper().strip() for one in ((value,) if isinstance(value, str) else value)}


def _slices(source: Source, dataset: Dataset) -> tuple[list[Slice], set[str]]:
    """Returns the slices of a file that are no localizers, and the types of its frames."""
    uid = str(dataset.get("SOPInstanceUID") or dataset.file_meta.get("MediaStorageSOPInstanceUID") or "")
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        if (integer_of(dataset, "NumberOfFrames") or 1) > 1:
            raise _NoSlice("several frames without positions")
        number = integer_of(dataset, "InstanceNumber") or 0
        return [Slice(source, None, uid, number, _plane(dataset, dataset), _traits(dataset))], set()
    slices: list[Slice] = []
    all_types: set[str] = set()
    for frame in range(len(groups)):
        attributes = flattened_groups(dataset, frame)
        types = _types(attributes, "FrameType")
        if types & _LOCALIZER:
            continue
        problem = _why_not_hounsfield(attributes)
        if problem:
            raise _NoSlice(problem)
        all_types |= types
        slices.append(Slice(source, frame, uid, frame, _plane(attributes, dataset), _traits(attributes)))
    return slices, all_types


def flattened_groups(dataset: Dataset, frame: int) -> Dataset:
    """Returns a frame's functional group attributes (PS3.3 C.7.6.16); its own take precedence over shared ones."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    attributes = Dataset()
    for macros in (shared, dataset.PerFrameFunctionalGroupsSequence[frame]):
        for element in macros:
            if element.VR == "SQ" and element.value:
                attributes.update(element.value[0])
    return attributes


def _traits(attributes: Dataset) -> tuple[str, ...]:
    return tuple(str(attributes.get(keyword) or "") for keyword in _TRAITS)


def _plane(attributes: Dataset, dataset: Dataset) -> Plane:
    try:
        position = np.array(attributes.ImagePositionPatient, dtype=float)
        orientation = np.array(attributes.ImageOrientationPatient, dtype=float)
        row_mm, column_mm = (float(value) for value in attributes.PixelSpacing)
        size = int(dataset.Columns), int(dataset.Rows)
    except (AttributeError, TypeError, ValueError) as error:
        raise _NoSlice("without position, orientation, pixel spacing or size") from error
    cosines = orientation.reshape(2, 3) if orientation.size == 6 else np.full((2, 3), np.nan)
    orthonormal = np.allclose(cosines @ cosines.T, np.eye(2), atol=1e-2)
    plausible = position.size == 3 and np.isfinite(position).all() and 0 < min(size) <= max(size) <= 16384
    if not (orthonormal and plausible and 0.01 < row_mm < 100 and 0.01 < column_mm < 100):
        raise _NoSlice("with an impossible position, orientation, pixel spacing or size")
    x, y, z = (float(value) for value in position)
    a, b, c, d, e, f = (float(value) for value in orientation)
    return Plane((x, y, z), (a, b, c, d, e, f), (column_mm, row_mm), size)
