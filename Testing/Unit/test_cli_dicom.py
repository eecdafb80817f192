"""The commands that speak DICOM, through the command line and its worker process."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk
import torch
from typer.testing import CliRunner

from NephroSynthLib.cli import app
from NephroSynthLib.dicom.simulated import write_simulated_study
from NephroSynthLib.simulation import Grid, simulate
from NephroSynthLib.simulation.export import to_images

runner = CliRunner()


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a DICOM study, and a volume and its kidneys as a run leaves them."""
    torch.set_num_threads(1)
    grid = Grid((40, 84, 112), (2.8, 2.8, 4.0), (-155.0, -118.0, -78.0))
    images = to_images(simulate(910_003, reference=grid))
    folder = tmp_path_factory.mktemp("exam")
    write_simulated_study({phase: images[phase] for phase in ("excretory", "noncontrast")}, folder / "study", seed=5)
    sitk.WriteImage(images["nephrographic_truth"], str(folder / "synthetic.nii.gz"))
    sitk.WriteImage(images["kidneys"], str(folder / "kidneys.nii.gz"))
    models = {stage: {"name": stage, "sha256": "ab" * 32} for stage in ("synthesis", "segmentation")}
    (folder / "result.json").write_text(json.dumps({"model": models}))
    return folder


def test_phases_are_told_as_json(exam: Path) -> None:
    shown = runner.invoke(app, ["phases", str(exam / "study"), "--json"])
    assert shown.exit_code == 0
    [found] = json.loads(shown.stdout)["exams"]
    assert {one["series"]: one["phase"] for one in found["acquisitions"]} == {1: "excretory", 2: "noncontrast"}


def test_phases_are_told_as_a_table_with_reasons(exam: Path) -> None:
    shown = runner.invoke(app, ["phases", str(exam / "study")])
    assert shown.exit_code == 0
    assert "Series 2, noncontrast: brightest tissue" in shown.stdout


def test_an_export_names_the_models_on_record(exam: Path, tmp_path: Path) -> None:
    options = ["--volume", exam / "synthetic.nii.gz", "--kidneys", exam / "kidneys.nii.gz", "--source", exam / "study"]
    shown = runner.invoke(app, ["export-dicom", *map(str, options), "--out", str(tmp_path / "dicom"), "--json"])
    assert shown.exit_code == 0, shown.output
    files = sorted((tmp_path / "dicom").rglob("*.dcm"))
    assert json.loads(shown.stdout)["files"] == len(files) == 41
    instance = pydicom.dcmread(tmp_path / "dicom/synthetic_nephrographic/00001.dcm")
    source = pydicom.dcmread(exam / "study/noncontrast/00001.dcm")
    assert instance.StudyInstanceUID == source.StudyInstanceUID
    assert instance.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert "ab" * 32 in instance.DerivationDescription


def test_a_pacs_that_is_not_there_ends_with_exit_5(exam: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
    shown = runner.invoke(app, ["send", str(exam / "study/excretory"), "--host", "127.0.0.1", "--port", port])
    assert shown.exit_code == 5
    assert "cannot be reached" in shown.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--noncontrast and --excretory, or --dicom"),
        (["--dicom", "study", "--noncontrast", "a.nii"], "not both"),
        (["--noncontrast", "a.nii", "--excretory", "b.nii", "--noncontrast-series", "2"], "only in an exam"),
        (["--dicom", "study", "--dicom-out", "out"], "a folder of its own"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(options: list[str], message: str) -> None:
    shown = runner.invoke(app, ["run", "--out", "out", *options], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 2
    assert message in shown.output


def test_dicom_output_needs_dicom_input(exam: Path, tmp_path: Path) -> None:
    volume = str(exam / "synthetic.nii.gz")
    options = ["--noncontrast", volume, "--excretory", volume, "--dicom-out", str(tmp_path / "dicom")]
    shown = runner.invoke(app, ["run", "--out", str(tmp_path / "out"), *options])
    assert shown.exit_code == 2
    assert "needs DICOM input" in shown.output
    assert list(tmp_path.iterdir()) == []
