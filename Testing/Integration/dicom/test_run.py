"""A whole run from a heap of DICOM files to DICOM objects, with the bundled models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from planted_texts import PLANTED, plant_texts
from typer.testing import CliRunner

from NephroSynthLib.cli.app import app
from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.jobs import catalogue as jobs
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid, simulate


def test_a_run_picks_the_phases_and_exports_into_their_study(tmp_path: Path) -> None:
    grid = Grid((44, 104, 128), (2.4, 2.4, 4.5), (-152.4, -123.6, -96.75))
    images = to_images(simulate(900_002, reference=grid))
    write_simulated_study({phase: images[phase] for phase in ("excretory", "noncontrast")}, tmp_path / "exam", seed=8)
    arguments = {"dicom": tmp_path / "exam", "out": tmp_path / "result", "dicom_out": tmp_path / "dicom"}
    summary = jobs.execute(
        "run", {**arguments, "settings": {"device": "cpu", "registration": {"mode": "two-stage"}}}, Progress()
    )
    assert "The non-contrast phase is series 2" in summary["notes"][0]
    assert summary["warnings"] == []
    report = (tmp_path / "result/report.html").read_text(encoding="utf-8")
    assert 'class="notes"' in report
    assert 'class="warnings"' not in report
    written = sitk.ReadImage(str(tmp_path / "result/synthetic_nephrographic.nii.gz"))
    files = sorted((tmp_path / "dicom/synthetic_nephrographic").iterdir(), reverse=True)
    instances = [pydicom.dcmread(path) for path in files]
    exported = np.stack([instance.pixel_array for instance in instances])
    np.testing.assert_array_equal(exported, np.rint(sitk.GetArrayFromImage(written)))
    assert load_bundle("nephrographic-synthesizer").sha256 in instances[0].DerivationDescription
    index = index_dicom(tmp_path)
    assert len({series.study_uid for series in index.series}) == 1
    assert sorted(series.number or 0 for series in index.series) == [1, 2, 9001, 9002]


def test_a_run_without_identifiers_names_nobody_in_its_dicom_output(tmp_path: Path) -> None:
    grid = Grid((40, 84, 112), (2.8, 2.8, 4.0), (-155.0, -118.0, -78.0))
    images = to_images(simulate(910_003, reference=grid))
    write_simulated_study({phase: images[phase] for phase in ("excretory", "noncontrast")}, tmp_path / "exam", seed=8)
    secrets = {PLANTED.encode()}
    for path in (tmp_path / "exam").rglob("*.dcm"):
        source = pydicom.dcmread(path)
        plant_texts(source)
        source.save_as(path)
        for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            secrets.add(str(source[keyword].value).encode())
    sitk.WriteImage(images["kidneys"], str(tmp_path / "kidneys.nii.gz"))
    options = ["--verbose", "--registration", "none", "--steps", "1", "--device", "cpu", "--deidentify"]
    for name, place in {"dicom": "exam", "kidneys": "kidneys.nii.gz", "out": "result", "dicom-out": "dicom"}.items():
        options += [f"--{name}", str(tmp_path / place)]
    shown = CliRunner().invoke(app, ["run", *options])
    assert shown.exit_code == 0, shown.output
    assert "series 2 (40 images, 4 mm apart)" in (tmp_path / "result/report.html").read_text(encoding="utf-8")
    told = [
        shown.output.encode(),
        *((tmp_path / "result" / name).read_bytes() for name in ("result.json", "report.html")),
    ]
    assert not [secret for secret in secrets for text in told if secret in text]
    files = sorted((tmp_path / "dicom").rglob("*.dcm"))
    assert len(files) == 41
    for path in files:
        assert pydicom.dcmread(path).PatientIdentityRemoved == "YES"
        assert not [secret for secret in secrets if secret in path.read_bytes()]
