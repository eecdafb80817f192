"""Sending against real DICOM servers on the loopback interface that behave as badly as some PACS do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian
from pynetdicom import AE, DEFAULT_TRANSFER_SYNTAXES, evt
from pynetdicom.events import Event

from NephroSynthLib.dicom.send import PACS, send
from NephroSynthLib.dicom.simulated import write_simulated_study
from NephroSynthLib.errors import Cancelled, NetworkError, UsageError
from NephroSynthLib.progress import Progress

Answer = Callable[[Event, int], int]


@pytest.fixture
def files(axial: sitk.Image, tmp_path: Path) -> Iterator[list[Path]]:
    written = write_simulated_study({"noncontrast": axial}, tmp_path, seed=3)["noncontrast"]
    before = [path.read_bytes() for path in written]
    yield written
    assert [path.read_bytes() for path in written] == before


@contextmanager
def _server(
    answer: Answer,
    *,
    title: str = "SERVER",
    sop_class: str = CTImageStorage,
    syntaxes: Sequence[str] = DEFAULT_TRANSFER_SYNTAXES,
    verifies: bool = True,
) -> Iterator[tuple[PACS, list[str]]]:
    """A storage server that answers the n-th C-STORE as told, and the instances that it stored."""
    stored: list[str] = []
    calls = iter(range(1000))

    def on_store(event: Event) -> int:
        status = answer(event, next(calls))
        if status == 0:
            stored.append(str(event.dataset.SOPInstanceUID))
        return status

    entity = AE(ae_title=title)
    entity.require_called_aet = True
    if verifies:
        entity.add_supported_context("1.2.840.10008.1.1")
    entity.add_supported_context(sop_class, list(syntaxes))
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    try:
        yield PACS("127.0.0.1", server.socket.getsockname()[1], "SERVER", timeout_s=1), stored
    finally:
        server.shutdown()


def test_each_instance_arrives_once(files: list[Path]) -> None:
    with _server(lambda event, call: 0) as (pacs, stored):
        deliveries = send(files, pacs)
    assert [delivery.path for delivery in deliveries] == files
    assert all(delivery.stored for delivery in deliveries)
    assert stored == [delivery.sop_instance_uid for delivery in deliveries]


def test_a_refused_instance_is_named_and_the_others_arrive(files: list[Path]) -> None:
    with _server(lambda event, call: 0xA900 if call == 2 else 0) as (pacs, stored):
        deliveries = send(files, pacs)
    assert [delivery.stored for delivery in deliveries] == [index != 2 for index in range(len(files))]
    assert "0xA900" in deliveries[2].problem
    assert len(stored) == len(files) - 1


def test_a_full_pacs_is_tried_again(files: list[Path]) -> None:
    with _server(lambda event, call: 0xA700 if call == 1 else 0) as (pacs, stored):
        deliveries = send(files, pacs)
    assert all(delivery.stored for delivery in deliveries)
    assert len(stored) == len(set(stored)) == len(files)


def test_a_pacs_that_hangs_up_once_gets_the_rest_afterwards(files: list[Path]) -> None:
    def hang_up_once(event: Event, call: int) -> int:
        if call == 3:
            event.assoc.abort()
        return 0

    with _server(hang_up_once) as (pacs, _):
        assert all(delivery.stored for delivery in send(files, pacs))


def test_a_pacs_that_always_hangs_up_is_reported_for_each_instance(files: list[Path]) -> None:
    def hang_up(event: Event, call: int) -> int:
        event.assoc.abort()
        return 0xC000

    with _server(hang_up) as (pacs, _):
        deliveries = send(files, pacs, attempts=2)
    assert not any(delivery.stored for delivery in deliveries)
    assert "hung up" in deliveries[0].problem
    assert "not sent" in deliveries[-1].problem


def test_a_pacs_with_another_name_rejects(files: list[Path]) -> None:
    with _server(lambda event, call: 0, title="OTHER") as (pacs, _), pytest.raises(NetworkError, match="rejected"):
        send(files, pacs, attempts=1)


def test_a_pacs_that_takes_no_ct_is_reported(files: list[Path]) -> None:
    with _server(lambda event, call: 0, sop_class="1.2.840.10008.5.1.4.1.1.4") as (pacs, _):
        deliveries = send(files, pacs)
    assert {delivery.problem for delivery in deliveries} == {
        "The PACS does not take this kind of object or this transfer syntax."
    }


def test_a_pacs_that_is_not_there_gives_a_clear_error(files: list[Path]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NetworkError, match="cannot be reached") as error:
        send(files, PACS("127.0.0.1", port, timeout_s=2))
    assert error.value.exit_code == 5


def test_a_pacs_that_never_answers_times_out(files: list[Path]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(NetworkError, match="cannot be reached"):
            send(files, PACS("127.0.0.1", silent.getsockname()[1], timeout_s=0.5), attempts=1)


def test_a_file_that_cannot_be_sent_is_reported_and_holds_up_no_other(files: list[Path], tmp_path: Path) -> None:
    notes, bare = tmp_path / "notes.txt", tmp_path / "bare.dcm"
    notes.write_text("no DICOM")
    bare.write_bytes(files[0].read_bytes()[132:])
    with _server(lambda event, call: 0) as (pacs, stored):
        deliveries = send([notes, *files, bare], pacs)
    assert [delivery.stored for delivery in deliveries] == [False, *[True] * len(files), False]
    assert len(stored) == len(files)
    assert "not a whole DICOM file" in deliveries[0].problem
    assert deliveries[-1].path == bare


def test_a_server_of_implicit_little_endian_alone_gets_the_same_values(files: list[Path]) -> None:
    received: dict[str, Dataset] = {}

    def keep(event: Event, call: int) -> int:
        received[str(event.dataset.SOPInstanceUID)] = event.dataset
        return 0 if event.context.transfer_syntax == ImplicitVRLittleEndian else 0xC000

    with _server(keep, syntaxes=[ImplicitVRLittleEndian]) as (pacs, _):
        deliveries = send(files, pacs)
    assert all(delivery.stored for delivery in deliveries)
    for path in files:
        sent = pydicom.dcmread(path)
        assert received[str(sent.SOPInstanceUID)] == sent


def test_a_server_that_takes_no_echo_gets_the_files(files: list[Path]) -> None:
    with _server(lambda event, call: 0, verifies=False) as (pacs, stored):
        assert all(delivery.stored for delivery in send(files, pacs))
    assert len(stored) == len(files)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2000), st.integers(1, 255), st.booleans())
def test_a_damaged_file_never_holds_up_the_others(files: list[Path], place: int, bits: int, cut: bool) -> None:
    content = bytearray(files[0].read_bytes())
    if cut:
        del content[place % len(content) :]
    else:
        content[place % len(content)] ^= bits
    damaged = files[0].with_suffix(".damaged")
    damaged.write_bytes(content)
    with _server(lambda event, call: 0) as (pacs, _):
        deliveries = send([damaged, files[1]], pacs, attempts=1)
    assert [delivery.path for delivery in deliveries] == [damaged, files[1]]
    assert deliveries[1].stored
    assert deliveries[0].problem or not cut


def test_a_host_that_nobody_knows_gives_a_clear_error(files: list[Path]) -> None:
    for host in ("pacs.invalid", "a..b"):
        with pytest.raises(NetworkError, match="is not known"):
            send(files, PACS(host, 104, timeout_s=1), attempts=1)


@pytest.mark.parametrize("title", ["", "   ", "A_TITLE_OF_17_CHR", "PÄCS", "A\\B", "A\nB"])
def test_what_is_no_ae_title_is_a_usage_error(title: str) -> None:
    with pytest.raises(UsageError, match="no AE title"):
        PACS("127.0.0.1", 104, title)
    with pytest.raises(UsageError, match="no AE title"):
        PACS("127.0.0.1", 104, own_ae_title=title)


def test_cancelling_ends_the_sending(files: list[Path]) -> None:
    with _server(lambda event, call: 0) as (pacs, stored), pytest.raises(Cancelled):
        send(files, pacs, progress=Progress(cancelled=lambda: len(stored) >= 2))
    assert len(stored) == 2
