"""The whole job on a small simulated exam, from files to files, with the bundled models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.jobs import catalogue as jobs
from NephroSynthLib.jobs.simulated_files import SimulatedFiles
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.progress import STAGES, Progress, ProgressEvent
from NephroSynthLib.result import Summary
from NephroSynthLib.simulation import Grid

SEED = 900_002
GRID = Grid((44, 104, 128), (2.5, 2.5, 4.5), (-158.75, -128.75, -96.75))
"""A grid whose geometry NIfTI holds exactly in its float32 fields."""
SETTINGS = {"device": "cpu", "seed": 3, "synthesis": {"steps": 1, "margin_mm": 10.0}}

RunOf = Callable[[str], Path]


@pytest.fixture(scope="module")
def exam() -> SimulatedFiles:
    return SimulatedFiles.simulate(SEED, Progress(), GRID)


@pytest.fixture(scope="module")
def events() -> list[ProgressEvent]:
    """What the run on files told of its progress."""
    return []


@pytest.fixture(scope="module")
def run_of(exam: SimulatedFiles, events: list[ProgressEvent], tmp_path_factory: pytest.TempPathFactory) -> RunOf:
    """Runs the job on the exam as stored in some way, once for each way; gives the folder of the result."""
    done: dict[str, Path] = {}

    def run(storage: str) -> Path:
        if storage not in done:
            folder = tmp_path_factory.mktemp("exam")
            arguments = STORED[storage](exam, folder / "exam")
            done[storage] = folder / "result"
            progress = Progress(events.append) if storage == "files" else Progress()
            jobs.execute("run", {**arguments, "out": done[storage], "settings": SETTINGS}, progress)
        return done[storage]

    return run


def _as_files(exam: SimulatedFiles, folder: Path) -> dict[str, Path]:
    """Stores each phase in an order of voxels of its own; the acquired nephrographic one is there for the judgement."""
    stored = {"noncontrast": ("PIR", "nrrd"), "excretory": ("LPS", "nii.gz"), "nephrographic": ("RAS", "nii.gz")}
    folder.mkdir()
    paths = {phase: folder / f"{phase}.{suffix}" for phase, (_, suffix) in stored.items()}
    for phase, (orientation, _) in stored.items():
        sitk.WriteImage(sitk.DICOMOrient(exam.images[phase], orientation), str(paths[phase]))
    return paths


def _as_dicom(exam: SimulatedFiles, folder: Path) -> dict[str, Path]:
    phases = {phase: exam.images[phase] for phase in ("excretory", "noncontrast")}
    write_simulated_study(phases, folder, seed=SEED)
    return {"dicom": folder, "dicom_out": folder.parent / "dicom"}


STORED: dict[str, Callable[[SimulatedFiles, Path], dict[str, Path]]] = {
    "files": _as_files,
    "dicom": _as_dicom,
}


def image_of(folder: Path, name: str) -> sitk.Image:
    """Returns an image of a result in the order of voxels of the exam."""
    return sitk.DICOMOrient(sitk.ReadImage(str(folder / f"{name}.nii.gz")), "LPS")


def test_a_run_writes_its_files_and_a_summary_of_the_documented_schema(run_of: RunOf, exam: SimulatedFiles) -> None:
    folder = run_of("files")
    assert {path.name for path in folder.iterdir()} == {
        name for name in OUTPUTS["run"] if not name.endswith(".nrrd")
    } - {"uncertainty.nii.gz"}
    text = (folder / "result.json").read_text(encoding="utf-8")
    summary = Summary.model_validate_json(text)
    assert set(json.loads(text)) == set(Summary.model_fields)
    assert summary.metrics is not None
    for stage, task in (("segmentation", "segmentation"), ("synthesis", "synthesis")):
        bundle = load_bundle(summary.settings[stage]["model"], task=task)  # type: ignore[index, call-overload, arg-type]
        assert summary.model[stage].sha256 == bundle.sha256
    reference = exam.images["noncontrast"]
    for name in ("synthetic_nephrographic", "excretory_registered", "kidneys"):
        image = image_of(folder, name)
        assert image.GetSize() == reference.GetSize()
        assert np.allclose(image.GetOrigin(), reference.GetOrigin(), atol=1e-3)


def test_the_synthetic_phase_is_nearer_to_the_truth_than_the_excretory_one(run_of: RunOf, exam: SimulatedFiles) -> None:
    truth = sitk.GetArrayFromImage(exam.images["nephrographic_truth"])
    inside = sitk.GetArrayFromImage(exam.images["kidneys"]) > 0

    def error(name: str) -> float:
        window = np.clip(sitk.GetArrayFromImage(image_of(run_of("files"), name)), -150, 250)
        return float(np.abs(window - np.clip(truth, -150, 250))[inside].mean())

    assert error("synthetic_nephrographic") < 0.75 * error("excretory_registered")


def test_the_kidneys_are_those_of_the_truth(run_of: RunOf, exam: SimulatedFiles) -> None:
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    found = image_of(run_of("files"), "kidneys")
    truth = sitk.Cast(exam.images["kidneys"], sitk.sitkUInt8)
    truth.CopyInformation(found)
    overlap.Execute(truth, sitk.Cast(found, sitk.sitkUInt8))
    assert all(
        overlap.GetDiceCoefficient(side) > 0.85 for side in np.unique(sitk.GetArrayFromImage(truth))[1:].tolist()
    )


def test_the_saved_transform_resamples_the_excretory_phase(run_of: RunOf, exam: SimulatedFiles) -> None:
    folder = run_of("files")
    transform = sitk.ReadTransform(str(folder / "excretory_to_noncontrast.h5"))
    again = sitk.Resample(exam.images["excretory"], exam.images["noncontrast"], transform, sitk.sitkLinear, -1024.0)
    difference = sitk.GetArrayFromImage(again) - sitk.GetArrayFromImage(image_of(folder, "excretory_registered"))
    assert np.abs(difference).mean() < 0.5


# Rounding to whole HU (DICOM) and resampling to compare (another orientation) are all that may differ.
def test_neither_file_format_nor_the_orientation_of_the_voxels_matters(run_of: RunOf) -> None:
    kidneys, synthetic = (image_of(run_of("files"), name) for name in ("kidneys", "synthetic_nephrographic"))
    other_kidneys, other = (
        sitk.Resample(image_of(run_of("dicom"), name), synthetic, sitk.Transform(), interpolator, outside)
        for name, interpolator, outside in (
            ("kidneys", sitk.sitkNearestNeighbor, 0.0),
            ("synthetic_nephrographic", sitk.sitkLinear, -1024.0),
        )
    )
    labels = sitk.GetArrayFromImage(kidneys)
    assert np.mean(labels != sitk.GetArrayFromImage(other_kidneys)) < 0.02 * np.mean(labels > 0)
    difference = np.abs(sitk.GetArrayFromImage(synthetic) - sitk.GetArrayFromImage(other))
    assert difference[labels > 0].mean() < 3.0


def test_a_run_on_a_dicom_folder_picks_the_phases_and_exports_into_their_study(run_of: RunOf) -> None:
    folder = run_of("dicom")
    summary = Summary.model_validate_json((folder / "result.json").read_text(encoding="utf-8"))
    assert "contrast phase is series 2" in summary.notes[0]
    assert not summary.warnings
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert 'class="notes"' in report
    assert 'class="warnings"' not in report
    files = sorted((folder.parent / "dicom/synthetic_nephrographic").iterdir(), reverse=True)
    instances = [pydicom.dcmread(path) for path in files]
    exported = np.stack([instance.pixel_array for instance in instances])
    written = sitk.GetArrayFromImage(image_of(folder, "synthetic_nephrographic"))
    np.testing.assert_array_equal(exported, np.rint(written))
    assert load_bundle("nephrographic-synthesizer").sha256 in instances[0].DerivationDescription
    index = index_dicom(folder.parent)
    assert len({series.study_uid for series in index.series}) == 1
    assert sorted(series.number or 0 for series in index.series) == [1, 2, 9001, 9002]


def test_stages_report_in_order_and_never_go_back(run_of: RunOf, events: list[ProgressEvent]) -> None:
    run_of("files")
    assert list(dict.fromkeys(event.stage for event in events)) == list(STAGES)
    for stage in STAGES:
        fractions = [event.fraction for event in events if event.stage == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
