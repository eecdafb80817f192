"""The DICOM files of a volume, from a database or from its attribute."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pydicom
import pytest
import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import UsageError
from NephroSynthLib.mrml.dicom_database import (
    DICOM_FOLDER,
    add_to_database,
    delay_s,
    dicom_file,
    dicom_folder,
    dicom_source,
    read_header,
    study_folders,
)
from NephroSynthLib.mrml.volume_nodes import node_from_image
from NephroSynthLib.session.export_choice import DicomSource

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


@pytest.fixture
def node(scene: Scene, ct: sitk.Image) -> Node:
    return node_from_image(scene, ct, "CT")


@pytest.fixture
def files(ct: sitk.Image, write_series: Callable[..., list[Path]], tmp_path: Path) -> list[Path]:
    return write_series(sitk.Cast(ct, sitk.sitkFloat32), tmp_path / "series", SeriesInstanceUID="1.2.9")


@pytest.fixture
def loaded(node: Node, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> Node:
    """A volume that Slicer loaded from its database."""
    instances = {f"1.2.{index}": str(file) for index, file in enumerate(files)}
    database = SimpleNamespace(
        fileForInstance=lambda instance: instances.get(instance, ""), seriesForFile=lambda file: "1.2.9"
    )
    monkeypatch.setattr(slicer, "app", SimpleNamespace(dicomDatabase=lambda: database), raising=False)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(instances))
    return node


def test_a_volume_of_the_database_has_folder_series_and_header(loaded: Node, files: list[Path]) -> None:
    folder = str(files[0].parent)
    assert dicom_folder(loaded) == folder
    assert dicom_source(loaded) == DicomSource(folder, "1.2.9")
    assert read_header(dicom_file(loaded)).SeriesInstanceUID == "1.2.9"


def test_another_folder_that_the_user_chose_has_no_series(loaded: Node) -> None:
    assert dicom_source(loaded, "/elsewhere") == DicomSource("/elsewhere")


def test_files_that_were_deleted_are_not_known(loaded: Node, files: list[Path]) -> None:
    files[0].unlink()
    assert dicom_source(loaded) == DicomSource()
    assert read_header(dicom_file(loaded)) is None


def test_a_volume_of_the_sample_exam_has_its_folder(node: Node, files: list[Path]) -> None:
    node.SetAttribute(DICOM_FOLDER, str(files[0].parent))
    assert dicom_source(node) == DicomSource(str(files[0].parent))
    assert read_header(dicom_file(node)).SeriesInstanceUID == "1.2.9"
    node.SetAttribute(DICOM_FOLDER, "/nowhere")
    assert dicom_folder(node) == ""
    assert read_header(dicom_file(node)) is None


@pytest.mark.parametrize("content", [b"no DICOM", b""])
def test_a_file_that_is_no_dicom_has_no_header(node: Node, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    node.SetAttribute(DICOM_FOLDER, str(tmp_path))
    assert read_header(dicom_file(node)) is None
    assert delay_s(dicom_file(node)) is None


def test_a_volume_without_dicom_has_none(node: Node) -> None:
    assert dicom_folder(None) == ""
    assert dicom_source(None) == dicom_source(node) == DicomSource()
    assert read_header(dicom_file(node)) is None


def test_the_delay_is_that_of_the_header(node: Node, ct: sitk.Image, write_series: Any, tmp_path: Path) -> None:
    write_series(
        ct,
        tmp_path / "timed",
        AcquisitionDate="20260102",
        AcquisitionTime="101000",
        ContrastBolusStartTime="100000",
        ContrastBolusAgent="iohexol",
    )
    node.SetAttribute(DICOM_FOLDER, str(tmp_path / "timed"))
    assert delay_s(dicom_file(node)) == 600.0


@pytest.mark.parametrize(
    ("is_open", "takes", "warning"),
    [(True, True, ""), (True, False, "did not take the files"), (False, True, "is not open")],
)
def test_a_database_that_does_not_have_the_files_afterwards_is_a_warning(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, is_open: bool, takes: bool, warning: str
) -> None:
    known: set[str] = set()

    def import_dicom(folder: str, database: Any) -> None:
        if takes:
            known.update(str(pydicom.dcmread(file).SOPInstanceUID) for file in Path(folder).iterdir())

    library = ModuleType("DICOMLib")
    library.DICOMUtils = SimpleNamespace(importDicom=import_dicom)
    monkeypatch.setitem(sys.modules, "DICOMLib", library)
    database = SimpleNamespace(isOpen=is_open, fileForInstance=lambda instance: "a file" if instance in known else "")
    monkeypatch.setattr(slicer, "app", SimpleNamespace(dicomDatabase=lambda: database), raising=False)
    warnings = add_to_database(files[0].parent)
    assert len(warnings) == (1 if warning else 0)
    assert warning in "".join(warnings)
    assert bool(known) == (is_open and takes)


def test_the_folders_of_all_studies_are_found_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    series = {"1": ["/d/a/s1/1.dcm", "/d/a/s1/2.dcm"], "2": ["/d/a/s2/1.dcm"], "3": ["/d/a/s2/x/1.dcm"], "4": []}
    series |= {"5": ["/b/1"]}
    studies = {"A": ["1", "2"], "B": ["3"], "C": ["4"], "D": ["5"]}
    database = SimpleNamespace(
        isOpen=True,
        patients=lambda: ["p", "q"],
        studiesForPatient=lambda patient: ["A", "B"] if patient == "p" else ["C", "D"],
        seriesForStudy=lambda study: tuple(studies[study]),
        filesForSeries=lambda uid: tuple(series[uid]),
    )
    monkeypatch.setattr(slicer, "app", SimpleNamespace(dicomDatabase=lambda: database), raising=False)
    assert study_folders() == [Path("/b"), Path("/d/a")]
    series = {uid: [] for uid in series}
    with pytest.raises(UsageError, match="empty"):
        study_folders()
    database.isOpen = False
    with pytest.raises(UsageError, match="not open"):
        study_folders()
