"""Each object that is written passes dciodvfy, the validator of Debian's dicom3tools, without an error."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.dicom.study_export import export_dicom

pytestmark = pytest.mark.system("dciodvfy")
MODEL = ModelIdentity("nephrographic-synthesizer", "0123456789abcdef" * 4)


def _errors(path: Path) -> list[str]:
    report = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert "CTImage" in report.stderr or "Segmentation" in report.stderr
    return [line for line in report.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("deidentified", [False, True])
def test_exports_have_no_error(
    volume: sitk.Image,
    kidneys: Callable[[sitk.Image], sitk.Image],
    hospital_series: Callable[..., list[Path]],
    tmp_path: Path,
    deidentified: bool,
) -> None:
    export = export_dicom(
        *(volume, hospital_series(volume), tmp_path / "out"),
        model=MODEL,
        kidneys=kidneys(volume),
        kidney_model=MODEL,
        excretory=hospital_series(volume, "excretory"),
        deidentified=deidentified,
    )
    for path in (export.series[0], export.series[-1], export.files[-1]):
        assert _errors(path) == []


def test_exports_from_a_poor_source_have_no_error(
    axial: sitk.Image,
    kidneys: Callable[[sitk.Image], sitk.Image],
    hospital_series: Callable[..., list[Path]],
    tmp_path: Path,
) -> None:
    missing = ("StudyID", "AccessionNumber", "PositionReferenceIndicator", "PatientPosition", "Manufacturer")
    source = hospital_series(axial, **dict.fromkeys(missing))
    export = export_dicom(axial, source, tmp_path / "out", model=None, kidneys=kidneys(axial))
    for path in (export.series[0], export.files[-1]):
        assert _errors(path) == []


@pytest.mark.parametrize("flaw", ["no class", "no thickness", "empty thickness", "no preamble", "ill-formed values"])
def test_exports_from_a_flawed_source_have_no_error(
    axial: sitk.Image,
    kidneys: Callable[[sitk.Image], sitk.Image],
    hospital_series: Callable[..., list[Path]],
    tmp_path: Path,
    flaw: str,
) -> None:
    source = hospital_series(axial, PatientWeight="111111", PatientAge="222Y")
    for path in source:
        instance = pydicom.dcmread(path)
        if flaw == "no class":
            del instance.SOPClassUID
        elif flaw == "no thickness":
            del instance.SliceThickness
        elif flaw == "empty thickness":
            instance.SliceThickness = None
        instance.save_as(path)
        content = path.read_bytes()
        if flaw == "ill-formed values":
            content = content.replace(b"111111", b"70,5  ").replace(b"222Y", b"81 y")
        path.write_bytes(content[132:] if flaw == "no preamble" else content)
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial), kidney_model=MODEL)
    for path in (export.series[0], export.files[-1]):
        assert _errors(path) == []


@pytest.mark.parametrize("sets", ["", "ISO_IR 192", "GB18030", ["", "ISO 2022 IR 87"], ["", "ISO 2022 IR 149"]])
def test_exports_in_any_character_set_have_no_error(
    axial: sitk.Image,
    kidneys: Callable[[sitk.Image], sitk.Image],
    hospital_series: Callable[..., list[Path]],
    tmp_path: Path,
    sets: str | list[str],
) -> None:
    source = hospital_series(axial, SpecificCharacterSet=sets)
    export = export_dicom(axial, source, tmp_path / "out", model=MODEL, kidneys=kidneys(axial), kidney_model=MODEL)
    for path in (export.series[0], export.files[-1]):
        assert _errors(path) == []


def test_simulated_studies_have_no_error(axial: sitk.Image, tmp_path: Path) -> None:
    phases = {"noncontrast": axial, "nephrographic": axial, "excretory": axial}
    for files in write_simulated_study(phases, tmp_path, seed=11).values():
        assert _errors(files[0]) == []


def test_the_validator_finds_errors(axial: sitk.Image, tmp_path: Path) -> None:
    path = write_simulated_study({"noncontrast": axial}, tmp_path, seed=11)["noncontrast"][0]
    instance = pydicom.dcmread(path)
    del instance.ImagePositionPatient
    instance.save_as(path)
    assert _errors(path)
