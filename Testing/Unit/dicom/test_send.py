"""Sending against real DICOM servers on the loopback interface that behave as badly as some PACS do."""

from __future__ import annotations

import json
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
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    CTImageStorage,
    EncapsulatedPDFStorage,
    ImplicitVRLittleEndian,
    MRImageStorage,
    MRSpectroscopyStorage,
    ParametricMapStorage,
    RLELossless,
    RTDoseStorage,
    SegmentationStorage,
    generate_uid,
)
from pynetdicom import AE, DEFAULT_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from typer.testing import CliRunner

from NephroSynthLib.cli.app import app
from NephroSynthLib.dicom.send import PACS, send
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.errors import Cancelled, NetworkError, UsageError
from NephroSynthLib.progress import Progress

Answer = Callable[[Event, int], int]
_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"
_DELIMITER_LENGTH = 4


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
    sop_classes: Sequence[str] = (CTImageStorage,),
    syntaxes: Sequence[str] = (*DEFAULT_TRANSFER_SYNTAXES, RLELossless),
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
    for sop_class in sop_classes:
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
    assert "closed the connection" in deliveries[0].problem
    assert "not sent" in deliveries[-1].problem


def test_a_pacs_with_another_name_rejects(files: list[Path]) -> None:
    with _server(lambda event, call: 0, title="OTHER") as (pacs, _), pytest.raises(NetworkError, match="rejected"):
        send(files, pacs, attempts=1)


def test_a_pacs_that_takes_no_ct_is_reported(files: list[Path]) -> None:
    with _server(lambda event, call: 0, sop_classes=[MRImageStorage]) as (pacs, _):
        deliveries = send(files, pacs)
    assert {delivery.problem for delivery in deliveries} == {
        "The PACS does not accept this kind of object or this transfer syntax."
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
    assert "not a complete DICOM file" in deliveries[0].problem
    assert deliveries[-1].path == bare


def test_a_file_whose_uids_are_none_is_reported_and_holds_up_no_other(files: list[Path]) -> None:
    damaged = files[0].with_suffix(".damaged")
    content = files[0].read_bytes()
    for part in (b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.1.2.1\0", b"2.25."):
        damaged.write_bytes(content.replace(part, b"\xf2" + part[1:]))
        with _server(lambda event, call: 0) as (pacs, _):
            deliveries = send([damaged, files[1]], pacs, attempts=1)
        assert [delivery.stored for delivery in deliveries] == [False, True]


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
@given(st.integers(0, 2000), st.integers(1, 255), st.booleans(), st.booleans())
def test_a_damaged_file_never_holds_up_the_others(
    files: list[Path], place: int, bits: int, cut: bool, compressed: bool
) -> None:
    damaged = files[0].with_suffix(".damaged")
    content = bytearray((_compressed(files[0], damaged) if compressed else files[0]).read_bytes())
    place %= len(content) - _DELIMITER_LENGTH
    if cut:
        del content[place:]
    else:
        content[place] ^= bits
    damaged.write_bytes(content)
    with _server(lambda event, call: 0) as (pacs, _):
        deliveries = send([damaged, files[1]], pacs, attempts=1)
    assert [delivery.path for delivery in deliveries] == [damaged, files[1]]
    assert deliveries[1].stored
    assert deliveries[0].problem or not cut


@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_cut_before_its_pixels_is_not_sent(files: list[Path], tmp_path: Path, compressed: bool) -> None:
    path = _compressed(files[0], tmp_path / "rle.dcm") if compressed else files[0]
    content = path.read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(content[: content.rindex(_PIXEL_DATA_TAG)])
    with _server(lambda event, call: 0) as (pacs, _):
        assert [delivery.stored for delivery in send([path, cut], pacs)] == [True, False]


@pytest.mark.parametrize("sop_class", [SegmentationStorage, RTDoseStorage, ParametricMapStorage, MRSpectroscopyStorage])
def test_an_object_with_pixels_cut_before_its_rows_is_not_sent(
    files: list[Path], tmp_path: Path, sop_class: str
) -> None:
    instance = pydicom.dcmread(files[0])
    del instance[Tag("Rows") :]
    cut = _save(instance, sop_class, tmp_path / "cut.dcm")
    with _server(lambda event, call: 0, sop_classes=[sop_class]) as (pacs, _):
        [delivery] = send([cut], pacs)
    assert "not a complete DICOM file" in delivery.problem


@pytest.mark.parametrize(
    ("sop_class", "lacks", "has"),
    [
        (MRSpectroscopyStorage, ["PixelData"], {"SpectroscopyData": bytes(64)}),
        (ParametricMapStorage, ["PixelData", "BitsAllocated"], {"FloatPixelData": bytes(64)}),
        (CTImageStorage, ["SamplesPerPixel"], {}),
        (RTDoseStorage, ["Rows", "Columns", "PixelData"], {"DVHSequence": [Dataset()]}),
        (EncapsulatedPDFStorage, ["Rows", "Columns", "PixelData"], {"EncapsulatedDocument": b"%PDF"}),
    ],
)
def test_a_whole_file_without_the_usual_pixels_is_sent_and_a_cut_one_is_not(
    files: list[Path], tmp_path: Path, sop_class: str, lacks: list[str], has: dict[str, object]
) -> None:
    instance = pydicom.dcmread(files[0])
    for keyword in lacks:
        del instance[keyword]
    for keyword, value in has.items():
        setattr(instance, keyword, value)
    whole = _save(instance, sop_class, tmp_path / "whole.dcm")
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole.read_bytes()[:-1])
    with _server(lambda event, call: 0, sop_classes=[sop_class]) as (pacs, _):
        assert [delivery.stored for delivery in send([whole, cut], pacs)] == [True, False]


def test_more_kinds_of_objects_than_an_association_takes_are_all_sent(files: list[Path], tmp_path: Path) -> None:
    kinds = [str(context.abstract_syntax) for context in AllStoragePresentationContexts[:130]]
    instance = pydicom.dcmread(files[0])
    sent = [_save(instance, kind, tmp_path / f"{number}.dcm") for number, kind in enumerate(kinds)]
    answers = {5: 0xA900, 128: 0xA700}
    with _server(lambda event, call: answers.get(call, 0), sop_classes=kinds) as (pacs, stored):
        deliveries = send(sent, pacs)
    assert [delivery.path for delivery in deliveries] == sent
    [refused] = [delivery for delivery in deliveries if not delivery.stored]
    assert "0xA900" in refused.problem
    assert sorted(stored) == sorted(one.sop_instance_uid for one in deliveries if one is not refused)


@pytest.mark.usefixtures("jobs_run_here")
def test_when_nothing_is_stored_each_file_is_named_with_the_reason(files: list[Path]) -> None:
    with _server(lambda event, call: 0xA900) as (pacs, _):
        command = ["send", str(files[0].parent), "--host", pacs.host, "--port", str(pacs.port), "--aet", pacs.ae_title]
        as_json = CliRunner().invoke(app, [*command, "--json"])
        shown = CliRunner().invoke(app, command)
    assert as_json.exit_code == shown.exit_code == 5
    summary = json.loads(as_json.stdout)
    assert [one["file"] for one in summary["failed"]] == sorted(path.name for path in files)
    assert all("0xA900" in one["problem"] for one in summary["failed"])
    assert f"{files[-1].name} was not stored: The PACS refused it (status 0xA900)." in shown.output
    assert f"0 of {len(files)}" in shown.output


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


def _compressed(path: Path, target: Path) -> Path:
    instance = pydicom.dcmread(path)
    instance.compress(RLELossless, generate_instance_uid=False)
    instance.save_as(target)
    return target


def _save(instance: Dataset, sop_class: str, target: Path) -> Path:
    """Writes it as a new instance of a class."""
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    instance.save_as(target, enforce_file_format=True)
    return target
