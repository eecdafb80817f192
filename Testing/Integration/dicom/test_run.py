"""A whole run on DICOM files without identifiers, with the bundled models; `test_whole_run.py` has one with them."""

from __future__ import annotations

from pathlib import Path

import pydicom
import SimpleITK as sitk
from planted_texts import PLANTED, plant_texts
from typer.testing import CliRunner

from NephroSynthLib.cli.app import app
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.imaging.sides import SIDES
from NephroSynthLib.simulation import Grid, simulate


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
    one_kidney = images["kidneys"] == SIDES["right"]  # half the voxels to synthesize
    sitk.WriteImage(one_kidney, str(tmp_path / "kidneys.nii.gz"))
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
