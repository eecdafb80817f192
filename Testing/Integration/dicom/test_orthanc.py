"""A real Orthanc on the loopback interface takes an export by C-STORE and gives it back unchanged by C-GET."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, SegmentationStorage
from pynetdicom import AE, build_role, evt
from pynetdicom.events import Event
from system_needs import find_program

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.send import PACS, send
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.dicom.study_export import export_dicom
from NephroSynthLib.errors import NetworkError

pytestmark = pytest.mark.system("orthanc")
GET = "1.2.840.10008.5.1.4.1.2.2.3"
MODEL = ModelIdentity("nephrographic-synthesizer", "0123456789abcdef" * 4)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PACS]:
    """An empty Orthanc with a configuration, a port and a storage of its own."""
    folder = tmp_path_factory.mktemp("orthanc")
    pacs = PACS("127.0.0.1", _free_port(), "ORTHANC", timeout_s=60)
    configuration = {
        "Name": "NephroSynth test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpServerEnabled": False,
        "DicomAet": pacs.ae_title,
        "DicomPort": pacs.port,
        "DicomCheckCalledAet": True,
        "DicomModalities": {"tests": [pacs.own_ae_title, "127.0.0.1", pacs.port]},
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    command = [str(find_program("Orthanc")), str(folder / "orthanc.json")]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_it_listens(pacs, process, folder / "log.txt")
        yield pacs
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("study")
    generator = np.random.default_rng(5)
    image = sitk.GetImageFromArray(generator.normal(40, 200, (9, 24, 28)).astype(np.float32))
    image.SetSpacing((0.78125, 0.8, 2.5))
    image.SetOrigin((-120.5, -80.25, 33.125))
    labels = np.zeros((9, 24, 28), np.uint8)
    labels[2:6, 4:12, 3:9], labels[1:7, 5:14, 17:24] = 1, 2
    kidneys = sitk.GetImageFromArray(labels)
    kidneys.CopyInformation(image)
    source = write_simulated_study({"noncontrast": image}, folder, seed=21)["noncontrast"]
    return list(export_dicom(image, source, folder / "export", model=MODEL, kidneys=kidneys, kidney_model=MODEL).files)


def test_an_export_comes_back_unchanged(orthanc: PACS, export: list[Path]) -> None:
    deliveries = send(export, orthanc)
    assert [delivery.problem for delivery in deliveries] == [""] * len(export)
    sent = {str(instance.SOPInstanceUID): instance for instance in map(pydicom.dcmread, export)}
    returned = _get_study(orthanc, next(iter(sent.values())).StudyInstanceUID)
    assert returned.keys() == sent.keys()
    for uid, instance in sent.items():
        assert returned[uid] == instance


def test_a_wrong_title_is_rejected_and_the_files_stay(orthanc: PACS, export: list[Path]) -> None:
    before = [path.read_bytes() for path in export]
    stranger = PACS(orthanc.host, orthanc.port, "SOMEONE", timeout_s=orthanc.timeout_s)
    with pytest.raises(NetworkError, match="rejected the association"):
        send(export, stranger, attempts=1)
    assert [path.read_bytes() for path in export] == before


def _get_study(pacs: PACS, study_uid: str) -> dict[str, Dataset]:
    received: dict[str, Dataset] = {}

    def on_store(event: Event) -> int:
        received[str(event.dataset.SOPInstanceUID)] = event.dataset
        return 0

    entity = AE(ae_title=pacs.own_ae_title)
    entity.add_requested_context(GET)
    for sop_class in (CTImageStorage, SegmentationStorage):
        entity.add_requested_context(sop_class, pydicom.uid.ExplicitVRLittleEndian)
    roles = [build_role(sop_class, scp_role=True) for sop_class in (CTImageStorage, SegmentationStorage)]
    association = entity.associate(
        *(pacs.host, pacs.port), ae_title=pacs.ae_title, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, on_store)]
    )
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study_uid
    statuses = [s.Status for s, _ in association.send_c_get(query, GET)]
    association.release()
    assert statuses[-1] == 0
    return received


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_listens(pacs: PACS, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex((pacs.host, pacs.port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
