"""The acquired series that an export refers to: patient, study, and the place of each slice."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.config import RAISE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

from NephroSynthLib.dicom.file_header import CT_IMAGE, flattened_groups
from NephroSynthLib.dicom.file_parsing import integer_of, parse
from NephroSynthLib.dicom.input_files import Source
from NephroSynthLib.dicom.series import Series
from NephroSynthLib.errors import Action, GeometryError, IdentityError, UnreadableInputError

STUDY_ATTRIBUTES = (
    "SpecificCharacterSet",
    # Patient (PS3.3 C.7.1.1)
    *("PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID"),
    *("PatientBirthDate", "PatientBirthTime", "PatientSex", "QualityControlSubject", "OtherPatientIDsSequence"),
    *("OtherPatientNames", "EthnicGroup", "PatientComments", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("DeidentificationMethodCodeSequence",),
    # General study (C.7.2.1)
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("IssuerOfAccessionNumberSequence", "ReferringPhysicianName", "PhysiciansOfRecord", "ProcedureCodeSequence"),
    *("NameOfPhysiciansReadingStudy", "ReferencedStudySequence", "RequestingService"),
    # Patient study (C.7.2.2)
    *("AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence", "PatientAge", "PatientSize"),
    *("PatientWeight", "Occupation", "AdditionalPatientHistory", "AdmissionID", "IssuerOfAdmissionIDSequence"),
    *("PregnancyStatus", "PatientSexNeutered", "TimezoneOffsetFromUTC"),
    # Clinical trial subject and study (C.7.1.3, C.7.2.3)
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID"),
    *("ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID"),
    *("ClinicalTrialTimePointID", "ClinicalTrialTimePointDescription"),
    # Frame of reference (C.7.4.1) and the patient's pose in it
    *("FrameOfReferenceUID", "PositionReferenceIndicator", "PatientPosition"),
)
_REQUIRED_EVEN_IF_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator", "PatientPosition"),
)
_IDENTIFIERS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_FORMATTED = ("AS", "DS", "DA", "TM")
_FIRST_OWN_SERIES_NUMBER = 9001


@dataclass(frozen=True)
class SourceFrame:
    """One slice of the source.

    Attributes:
        instance: The instance that holds it.
        number: Its frame number in the instance, from 1; None if it is the only one.
        attributes: The attributes of its place: those of the instance, or the flattened functional groups of the frame.
        corners: (4, 3) in LPS mm.
    """

    instance: Dataset
    number: int | None
    attributes: Dataset
    corners: NDArray[np.float64]


@dataclass(frozen=True)
class SourceSeries:
    """The headers of one acquired CT series, without pixels, and its own slices in the order of the files."""

    instances: tuple[Dataset, ...]
    frames: tuple[SourceFrame, ...]

    @property
    def header(self) -> Dataset:
        """The first instance, for attributes that all instances share."""
        return self.instances[0]

    @cached_property
    def centers(self) -> NDArray[np.float64]:
        """(frames, 3) in LPS mm."""
        return np.stack([frame.corners.mean(axis=0) for frame in self.frames])

    @property
    def descending(self) -> bool:
        """Whether instance numbers run against the normal of the slices."""
        first, last = (min(self._numbered()), max(self._numbered()))
        return last[1] < first[1]

    def _numbered(self) -> list[tuple[tuple[int, int], float]]:
        normal = slice_normal(self.frames[0].corners)
        return [
            ((integer_of(frame.instance, "InstanceNumber") or 0, frame.number or 0), float(frame.corners[0] @ normal))
            for frame in self.frames
        ]


def read_source(series: Series | Sequence[Source]) -> SourceSeries:
    """Reads the headers of one CT series, single-frame or enhanced multi-frame.

    Args:
        series: A series of a DICOM index, whose files may also hold slices of other volumes; or all files of a series.

    Raises:
        GeometryError: If the series has no frame of reference or its slices have no position.
        IdentityError: If the files belong to several patients, studies or series.
        UnreadableInputError: If there is no file, or one is not DICOM or lacks the identifiers of an instance.
    """
    files = series.files if isinstance(series, Series) else series
    own = {(piece.source, piece.frame) for piece in series.slices} if isinstance(series, Series) else None
    if not files:
        raise UnreadableInputError("The source series has no files.", Action.GIVE_SOURCE)
    instances = tuple(_read_header(path) for path in files)
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        if len({str(instance.get(keyword, "")) for instance in instances}) > 1:
            raise IdentityError(f"The source files differ in their {keyword}.", Action.GIVE_SOURCE)
    if not _is_one_uid(instances[0], "FrameOfReferenceUID"):
        raise GeometryError("The source series has no frame of reference, so nothing can be placed in it.")
    frames = []
    for path, instance in zip(files, instances, strict=True):
        for index in range(len(instance.get("PerFrameFunctionalGroupsSequence") or [])) or (None,):
            if own is None or (path, index) in own:
                frames.append(_frame(instance, index))
    return SourceSeries(instances, tuple(frames))


def study_header(source: SourceSeries) -> Dataset:
    """Returns patient, study and frame of reference of the source, with its character set, without private attributes.

    Malformed ages, weights, dates and times are left out. The birth date and the date and time of the study stay
    unchanged, because a PACS compares them with its own.
    """
    header = Dataset()
    for keyword in STUDY_ATTRIBUTES:
        required = keyword in _REQUIRED_EVEN_IF_EMPTY
        if keyword in source.header and (required or _is_well_formed(source.header[keyword])):
            header.add(copy.copy(source.header[keyword]))
        elif required:
            setattr(header, keyword, None)
    header.remove_private_tags()
    return header


def _is_well_formed(element: DataElement) -> bool:
    """Tells whether an age, number, date or time is well formed, and whether a character set has a value."""
    if element.keyword == "SpecificCharacterSet":
        return bool(element.value)
    try:
        if element.VR in _FORMATTED and element.value:
            validate_value(element.VR, str(element.value), RAISE)
    except ValueError:
        return False
    return True


def now_at(header: Dataset) -> datetime.datetime:
    """Returns the time in the source's time zone, because the copied Timezone Offset From UTC holds for all times."""
    try:
        offset = datetime.datetime.strptime(str(header.get("TimezoneOffsetFromUTC", "")), "%z").tzinfo
    except ValueError:
        return datetime.datetime.now()
    return datetime.datetime.now(offset)


def free_series_number(taken: Iterable[int]) -> int:
    """Returns the lowest free series number from 9001 on; scanners use far lower ones."""
    used = set(taken)
    number = _FIRST_OWN_SERIES_NUMBER
    while number in used:
        number += 1
    return number


def slice_normal(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the unit normal (row direction x column direction) of a slice given by its corners."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    return np.asarray(normal / np.linalg.norm(normal))


def frames_at(source: SourceSeries, image: sitk.Image, index: int) -> list[SourceFrame]:
    """Returns the source slices whose centres lie within a slice of the image, or the nearest one."""
    width, height, _ = image.GetSize()
    center = np.array(image.TransformContinuousIndexToPhysicalPoint(((width - 1) / 2, (height - 1) / 2, float(index))))
    normal = np.reshape(image.GetDirection(), (3, 3))[:, 2]
    distances = np.abs((source.centers - center) @ normal)
    within = np.flatnonzero(distances <= image.GetSpacing()[2] / 2)
    return [source.frames[i] for i in within] or [source.frames[int(np.argmin(distances))]]


def check_within(source: SourceSeries, image: sitk.Image, tolerance_mm: float = 5.0) -> None:
    """Checks that a volume lies within the source; a flipped or shifted volume does not.

    Raises:
        GeometryError: If a corner of the volume is more than `tolerance_mm` outside the source.
    """
    first = source.frames[0].corners
    axes = np.stack([first[1] - first[0], first[2] - first[0], slice_normal(first)])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    acquired = np.concatenate([frame.corners for frame in source.frames]) @ axes.T
    indices = product(*((0, size - 1) for size in image.GetSize()))
    volume = np.array([image.TransformIndexToPhysicalPoint(index) for index in indices]) @ axes.T
    excess = np.maximum(acquired.min(axis=0) - volume, volume - acquired.max(axis=0)).max()
    if excess > tolerance_mm:
        raise GeometryError(
            f"The volume reaches {excess:.0f} mm beyond the source series.",
            Action.GIVE_SOURCE,
        )


def _read_header(path: Source) -> Dataset:
    try:
        instance = parse(path, pixels=False)
    except Exception as error:  # pydicom raises many kinds of errors on damaged files
        raise UnreadableInputError(f"A source file ({path.name}) cannot be read as DICOM.") from error
    for keyword, default in (("SOPClassUID", CT_IMAGE), ("SOPInstanceUID", "")):
        if not instance.get(keyword):
            setattr(instance, keyword, instance.file_meta.get(f"MediaStorage{keyword}") or default)
    if not all(_is_one_uid(instance, keyword) for keyword in _IDENTIFIERS):
        raise UnreadableInputError(
            f"A source file ({path.name}) lacks the UIDs of its instance, series or study, so nothing can refer to it.",
            Action.EXPORT_AGAIN,
        )
    return instance


def _is_one_uid(instance: Dataset, keyword: str) -> bool:
    """Tells whether an attribute has exactly one value, which is text."""
    value = instance.get(keyword)
    return isinstance(value, str) and value != ""


def _frame(instance: Dataset, index: int | None) -> SourceFrame:
    attributes = instance if index is None else flattened_groups(instance, index)
    try:
        return SourceFrame(instance, None if index is None else index + 1, attributes, _corners(attributes, instance))
    except (AttributeError, TypeError, ValueError) as error:
        raise GeometryError("A slice of the source series has no position, orientation or pixel spacing.") from error


def _corners(plane: Dataset, instance: Dataset) -> NDArray[np.float64]:
    origin = np.array(plane.ImagePositionPatient, dtype=float)
    row, column = np.array(plane.ImageOrientationPatient, dtype=float).reshape(2, 3)
    height_mm, width_mm = (float(s) for s in plane.PixelSpacing)
    across = row * width_mm * (int(instance.Columns) - 1)
    down = column * height_mm * (int(instance.Rows) - 1)
    return np.stack([origin, origin + across, origin + down, origin + across + down])
