"""Sending DICOM files to a PACS (C-ECHO, then C-STORE), with an account of each instance."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from NephroSynthLib.dicom.quiet import quiet
from NephroSynthLib.errors import NetworkError, UsageError
from NephroSynthLib.progress import Progress

_VERIFICATION = "1.2.840.10008.1.1"
_CHECK = "Check its address, port and AE titles, and that it knows this computer."
_DAMAGED = "It is not a whole DICOM file with its preamble."
_PAUSE_S = 0.5
# Status codes of C-STORE (PS3.4 B.2.3)
_SUCCESS = 0x0000
_STORED_WITH_WARNING = range(0xB000, 0xC000)
_OUT_OF_RESOURCES = range(0xA700, 0xA800)


@dataclass(frozen=True)
class PACS:
    """Where to send: host and port, the AE titles of the PACS and of ourselves, and seconds to wait for any answer.

    Raises:
        UsageError: If an AE title is none.
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
                    f"'{title}' is no AE title.", "It has 1 to 16 characters, without accents or backslashes."
                )


@dataclass(frozen=True)
class Delivery:
    """What became of one instance.

    Attributes:
        path: Its file, which stays as it is.
        sop_instance_uid: Its UID.
        problem: Why the PACS does not have it; empty when it is stored.
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

    def delivery(self, problem: str = "", *, transient: bool = False) -> Delivery:
        return Delivery(self.path, self.sop_instance, problem, transient)


@quiet()
def send(files: Sequence[Path], pacs: PACS, *, attempts: int = 3, progress: Progress = Progress()) -> list[Delivery]:
    """Sends files to a PACS; what a lost connection or a full PACS kept back is tried again.

    The files are only read. One that is no DICOM file, or that the PACS refuses, does not hold up the others.

    Args:
        files: DICOM files.
        pacs: Where to send them.
        attempts: How often to connect at most.
        progress: Told before each instance.

    Returns:
        What became of each file, in their order.

    Raises:
        Cancelled: If the run was cancelled.
        NetworkError: If no connection was ever made, so that nothing was sent.
    """
    read = [_read_parcel(path) for path in files]
    parcels = [one for one in read if isinstance(one, _Parcel)]
    deliveries: dict[_Parcel, Delivery] = {}
    for attempt in range(attempts):
        waiting = [parcel for parcel in parcels if parcel not in deliveries or deliveries[parcel].transient]
        if not waiting:
            break
        time.sleep(_PAUSE_S * attempt)
        try:
            with _association(pacs, waiting) as association:
                for parcel in waiting:
                    progress.update(1 - len(waiting) / len(parcels) + waiting.index(parcel) / len(parcels))
                    deliveries[parcel] = _store(association, parcel)
                    if not association.is_established:
                        break
        except NetworkError:
            if not deliveries and attempt == attempts - 1:
                raise
    progress.update(1.0)
    unsent = "It was not sent: the connection was lost before its turn."
    return [
        one if isinstance(one, Delivery) else deliveries.get(one, one.delivery(unsent, transient=True)) for one in read
    ]


def _read_parcel(path: Path) -> _Parcel | Delivery:
    """What a PACS has to know of a file before it comes; the failed delivery of a file that cannot be sent."""
    try:
        header = pydicom.dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID"], stop_before_pixels=True)
        uids = (header.SOPClassUID, header.SOPInstanceUID, header.file_meta.TransferSyntaxUID)
        if not all(0 < len(uid) <= 64 for uid in uids):
            return Delivery(path, "", _DAMAGED)
        return _Parcel(path, *(str(uid) for uid in uids))
    except Exception:  # pydicom raises whatever a damaged file makes it stumble on
        return Delivery(path, "", _DAMAGED)


@contextmanager
def _association(pacs: PACS, parcels: Iterable[_Parcel]) -> Iterator[Association]:
    """An association for the kinds of objects among the parcels; it has answered a C-ECHO, where it takes any."""
    entity = ApplicationEntity(ae_title=pacs.own_ae_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = pacs.timeout_s
    entity.connection_timeout = pacs.timeout_s
    entity.add_requested_context(_VERIFICATION)
    for sop_class, transfer_syntax in sorted({(p.sop_class, p.transfer_syntax) for p in parcels}):
        # every node must take implicit little endian (PS3.5 10.1), into which the other plain syntaxes are turned
        plain = transfer_syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
        offered = [transfer_syntax, ImplicitVRLittleEndian] if plain else [transfer_syntax]
        entity.add_requested_context(sop_class, list(dict.fromkeys(offered)))
    try:
        association = entity.associate(pacs.host, pacs.port, ae_title=pacs.ae_title)
    except (OSError, UnicodeError) as error:
        raise NetworkError(f"The host {pacs.host} is not known.", "Check its name or give its address.") from error
    try:
        _check_established(association, pacs)
        answers = any(context.abstract_syntax == _VERIFICATION for context in association.accepted_contexts)
        if answers and association.send_c_echo().get("Status") != _SUCCESS:
            raise NetworkError(f"The PACS {pacs.ae_title} did not answer the C-ECHO.", _CHECK)
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
        raise NetworkError(f"{place} rejected the association{reason}.", _CHECK)
    if association.is_aborted and association.acceptor.primitive is not None:
        raise NetworkError(f"{place} took none of the objects to be sent or broke off.", _CHECK)
    raise NetworkError(f"{place} cannot be reached or does not speak DICOM.", _CHECK)


def _store(association: Association, parcel: _Parcel) -> Delivery:
    try:
        instance = pydicom.dcmread(parcel.path)
        whole = _has_all_pixels(instance)
    except Exception:  # as in _read_parcel
        whole = False
    if not whole:
        return parcel.delivery(_DAMAGED)
    try:
        status = association.send_c_store(instance).get("Status")
    except (ValueError, AttributeError, TypeError, KeyError, NotImplementedError) as error:
        if "presentation context" in str(error):
            return parcel.delivery("The PACS does not take this kind of object or this transfer syntax.")
        return parcel.delivery(_DAMAGED)
    except (RuntimeError, OSError):
        return parcel.delivery("The connection was lost while it was sent.", transient=True)
    if status is None:
        return parcel.delivery("The PACS hung up or did not answer in time.", transient=True)
    if status == _SUCCESS or status in _STORED_WITH_WARNING:
        return parcel.delivery()
    if status in _OUT_OF_RESOURCES:
        return parcel.delivery(f"The PACS is out of resources (status 0x{status:04X}).", transient=True)
    return parcel.delivery(f"The PACS refused it (status 0x{status:04X}).")


def _has_all_pixels(instance: Dataset) -> bool:
    """Whether an image has its pixels; pydicom reads what is left of a file that was cut short."""
    is_image = "Rows" in instance or "Image" in instance.SOPClassUID.name
    if not is_image or instance.file_meta.TransferSyntaxUID.is_encapsulated:
        return True
    if "PixelData" in instance:
        return len(instance.PixelData) >= get_expected_length(instance)
    return any(keyword in instance for keyword in ("FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL"))
