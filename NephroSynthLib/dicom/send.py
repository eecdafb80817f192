"""Sending of DICOM files to a PACS (C-ECHO, then C-STORE), with the outcome for each instance."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    CornealTopographyMapStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedUSVolumeStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRSpectroscopyStorage,
    OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage,
    OphthalmicThicknessMapStorage,
    ParametricMapStorage,
    RTDoseStorage,
    SegmentationStorage,
)
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.errors import Action, NetworkError, UsageError
from NephroSynthLib.progress import Progress

_VERIFICATION = "1.2.840.10008.1.1"
_DAMAGED = "It is not a complete DICOM file with a preamble."
_UID = re.compile(r"[0-9.]{1,64}")
_PAUSE_S = 0.5
# An association has at most 128 presentation contexts (PS3.8 9.3.2.2), one of which is for the C-ECHO
_KINDS_PER_ASSOCIATION = 127
_LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
_WITH_PIXELS_BUT_NOT_NAMED_IMAGE = (
    *(SegmentationStorage, _LABEL_MAP_SEGMENTATION, ParametricMapStorage, MRSpectroscopyStorage),
    *(EnhancedUSVolumeStorage, OphthalmicThicknessMapStorage, CornealTopographyMapStorage),
    OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage,
)
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_INSTEAD_OF_PIXELS = ("SpectroscopyData", "PixelDataProviderURL")
_UNDEFINED_LENGTH = 0xFFFFFFFF
# Status codes of C-STORE (PS3.4 B.2.3)
_SUCCESS = 0x0000
_STORED_WITH_WARNING = range(0xB000, 0xC000)
_OUT_OF_RESOURCES = range(0xA700, 0xA800)


@dataclass(frozen=True)
class PACS:
    """A PACS: host and port, its AE title and that of NephroSynth, and the seconds to wait for any answer.

    Raises:
        UsageError: If an AE title is not valid.
    """

    host: str
    port: int
    ae_title: str = "ANY-SCP"
    own_ae_title: str = "NEPHROSYNTH"
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for title in (self.ae_title, self.own_ae_title):
            if not (
                title.strip() and len(title) <= 16 and title.isascii() and title.isprintable() and "\\" not in title
            ):
                raise UsageError(
                    f"'{title}' is no AE title: that has 1 to 16 characters, without accents or backslashes."
                )


@dataclass(frozen=True)
class Delivery:
    """The outcome for one instance.

    Attributes:
        path: Its file.
        sop_instance_uid: Its UID.
        problem: The reason why it is not stored; empty when it is.
        transient: Whether another try may help.
    """

    path: Path
    sop_instance_uid: str
    problem: str = ""
    transient: bool = False

    @property
    def stored(self) -> bool:
        """Whether the PACS has it."""
        return not self.problem


@dataclass(frozen=True)
class _Parcel:
    path: Path
    sop_class: str
    sop_instance: str
    transfer_syntax: str

    @property
    def kind(self) -> tuple[str, str]:
        return self.sop_class, self.transfer_syntax

    def delivery(self, problem: str = "", *, transient: bool = False) -> Delivery:
        return Delivery(self.path, self.sop_instance, problem, transient)


@quiet()
def send(files: Sequence[Path], pacs: PACS, *, attempts: int = 3, progress: Progress = Progress()) -> list[Delivery]:
    """Sends files to a PACS, and tries again after a lost connection or when the PACS was full.

    The files are only read. A file that is not DICOM or that the PACS refuses does not stop the others.

    Args:
        files: DICOM files.
        pacs: Where to send them.
        attempts: Largest number of tries.
        progress: Told before each instance.

    Returns:
        The outcome for each file, in their order.

    Raises:
        Cancelled: If the run was cancelled.
        NetworkError: If no connection was made, so that nothing was sent.

    Example:
        deliveries = send(list(Path("series").rglob("*.dcm")), PACS("pacs.example", 104, ae_title="PACS"))
        lost = [one.path for one in deliveries if not one.stored]
    """
    read = [_read_parcel(path) for path in files]
    parcels = [one for one in read if isinstance(one, _Parcel)]
    deliveries: dict[_Parcel, Delivery] = {}
    failure: NetworkError | None = None
    for attempt in range(attempts):
        waiting = [parcel for parcel in parcels if parcel not in deliveries or deliveries[parcel].transient]
        if not waiting:
            break
        time.sleep(_PAUSE_S * attempt)
        done = len(parcels) - len(waiting)
        for batch in _batches(waiting):
            try:
                with _association(pacs, batch) as association:
                    for index, parcel in enumerate(batch):
                        progress.update((done + index) / len(parcels))
                        deliveries[parcel] = _store(association, parcel)
                        if not association.is_established:
                            break
            except NetworkError as error:
                failure = error
            done += len(batch)
    if failure is not None and not deliveries:
        raise failure
    progress.update(1.0)
    unsent = "It was not sent, because the connection was lost before."
    return [
        one if isinstance(one, Delivery) else deliveries.get(one, one.delivery(unsent, transient=True)) for one in read
    ]


def _read_parcel(path: Path) -> _Parcel | Delivery:
    """Returns the UIDs that an association needs for a file, or a failed delivery if it cannot be sent."""
    try:
        header = pydicom.dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID"], stop_before_pixels=True)
        uids = (header.SOPClassUID, header.SOPInstanceUID, header.file_meta.TransferSyntaxUID)
        if not all(_UID.fullmatch(uid) for uid in uids):
            return Delivery(path, "", _DAMAGED)
        return _Parcel(path, *(str(uid) for uid in uids))
    except Exception:  # pydicom raises many kinds of errors on damaged files
        return Delivery(path, "", _DAMAGED)


def _batches(parcels: Sequence[_Parcel]) -> Iterator[list[_Parcel]]:
    """Yields the parcels in as few parts as associations are needed for their kinds."""
    kinds = sorted({parcel.kind for parcel in parcels})
    for start in range(0, len(kinds), _KINDS_PER_ASSOCIATION):
        some = set(kinds[start : start + _KINDS_PER_ASSOCIATION])
        yield [parcel for parcel in parcels if parcel.kind in some]


@contextmanager
def _association(pacs: PACS, parcels: Iterable[_Parcel]) -> Iterator[Association]:
    """Opens an association for the kinds of the parcels and checks it by C-ECHO, if the PACS accepts that."""
    entity = ApplicationEntity(ae_title=pacs.own_ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = pacs.timeout_s
    entity.connection_timeout = pacs.timeout_s
    entity.add_requested_context(_VERIFICATION)
    for sop_class, transfer_syntax in sorted({parcel.kind for parcel in parcels}):
        # every node must take implicit little endian (PS3.5 10.1), into which the other plain syntaxes are turned
        plain = transfer_syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
        offered = [transfer_syntax, ImplicitVRLittleEndian] if plain else [transfer_syntax]
        entity.add_requested_context(sop_class, list(dict.fromkeys(offered)))
    try:
        association = entity.associate(pacs.host, pacs.port, ae_title=pacs.ae_title)
    except (OSError, UnicodeError) as error:
        raise NetworkError(f"The host {pacs.host} is not known.", Action.CHECK_PACS) from error
    try:
        _check_established(association, pacs)
        answers = any(context.abstract_syntax == _VERIFICATION for context in association.accepted_contexts)
        if answers and association.send_c_echo().get("Status") != _SUCCESS:
            raise NetworkError(f"The PACS {pacs.ae_title} did not answer the C-ECHO.", Action.CHECK_PACS)
        yield association
    finally:
        if association.is_established:
            association.release()


def _check_established(association: Association, pacs: PACS) -> None:
    if association.is_established:
        return
    place = f"The PACS {pacs.ae_title} at {pacs.host}:{pacs.port}"
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = f" ({answer.reason_str})" if answer is not None else ""
        raise NetworkError(f"{place} rejected the association{reason}.", Action.CHECK_PACS)
    if association.is_aborted and association.acceptor.primitive is not None:
        raise NetworkError(f"{place} accepted none of the objects, or aborted the association.", Action.CHECK_PACS)
    raise NetworkError(f"{place} cannot be reached or does not speak DICOM.", Action.CHECK_PACS)


def _store(association: Association, parcel: _Parcel) -> Delivery:
    try:
        instance = pydicom.dcmread(parcel.path)
        whole = not _is_cut(instance) and (_has_pixels(instance) or not _needs_pixels(instance))
    except Exception:  # as in _read_parcel
        whole = False
    if not whole:
        return parcel.delivery(_DAMAGED)
    try:
        status = association.send_c_store(instance).get("Status")
    except (ValueError, AttributeError, TypeError, KeyError, NotImplementedError) as error:
        if "presentation context" in str(error):
            return parcel.delivery("The PACS does not accept this kind of object or this transfer syntax.")
        return parcel.delivery(_DAMAGED)
    except (RuntimeError, OSError):
        return parcel.delivery("The connection was lost while it was sent.", transient=True)
    if status is None:
        return parcel.delivery("The PACS closed the connection or did not answer in time.", transient=True)
    if status == _SUCCESS or status in _STORED_WITH_WARNING:
        return parcel.delivery()
    if status in _OUT_OF_RESOURCES:
        return parcel.delivery(f"The PACS is out of resources (status 0x{status:04X}).", transient=True)
    return parcel.delivery(f"The PACS refused it (status 0x{status:04X}).")


def _is_cut(instance: Dataset) -> bool:
    """Tells whether the file ends within an element, which pydicom reads without an error."""
    last = instance.get_item(list(instance.keys())[-1])
    return (
        isinstance(last, RawDataElement) and last.length != _UNDEFINED_LENGTH and len(last.value or b"") < last.length
    )


def _needs_pixels(instance: Dataset) -> bool:
    sop_class = instance.SOPClassUID
    if "Rows" in instance or "Image" in sop_class.name or sop_class in _WITH_PIXELS_BUT_NOT_NAMED_IMAGE:
        return True
    return bool(sop_class == RTDoseStorage) and "DVHSequence" not in instance


def _has_pixels(instance: Dataset) -> bool:
    pixels = next((instance[keyword].value for keyword in _PIXELS if keyword in instance), None)
    if pixels is None:
        return any(keyword in instance for keyword in _INSTEAD_OF_PIXELS)
    return len(pixels) >= (1 if instance.file_meta.TransferSyntaxUID.is_encapsulated else _fewest_bytes(instance))


def _fewest_bytes(instance: Dataset) -> int:
    """Returns the number of bytes that the pixels must have; 1 where the header does not tell."""
    try:
        return max(1, get_expected_length(instance))
    except (AttributeError, TypeError, ValueError):
        return 1
