"""What the command line says, and its exit code, for every kind of input and target that it refuses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from typer.testing import CliRunner

from NephroSynthLib.cli.app import app

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]
Spoil = Callable[[Path, sitk.Image, WriteSeries], dict[str, Path]]

runner = CliRunner()


def write(image: sitk.Image, path: Path) -> Path:
    sitk.WriteImage(image, str(path))
    return path


def changed(image: sitk.Image, change: Callable[[np.ndarray], np.ndarray]) -> sitk.Image:
    result = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(image)))
    result.CopyInformation(image)
    return result


def with_nan(hu: np.ndarray) -> np.ndarray:
    return np.where(np.arange(hu.size).reshape(hu.shape) == 777, np.nan, hu).astype(np.float32)


def text_file(folder: Path) -> Path:
    (folder / "notes.txt").write_text("not an image")
    return folder / "notes.txt"


def truncated(image: sitk.Image, folder: Path) -> Path:
    whole = write(image, folder / "whole.nii.gz").read_bytes()
    (folder / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.nii.gz"


def empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def colour(image: sitk.Image) -> sitk.Image:
    return sitk.Compose([sitk.Cast(image, sitk.sitkInt16)] * 3)


def shuffled(hu: np.ndarray) -> np.ndarray:
    tissue = np.abs(hu) < 400
    hu[tissue] = np.random.default_rng(0).permutation(hu[tissue])
    return hu


def far_away_without_organs(image: sitk.Image) -> sitk.Image:
    moved = changed(image, shuffled)
    moved.SetOrigin([5000.0, 0.0, 0.0])
    return moved


def tilt(index: int, instance: Dataset) -> None:
    x, y, z = instance.ImagePositionPatient
    instance.ImagePositionPatient = [x, y + 2.0 * index, z]


def crowd(index: int, instance: Dataset) -> None:
    x, y, z = instance.ImagePositionPatient
    instance.ImagePositionPatient = [x, y, z + (2.5 if index > 8 else 0.0)]


def folder_of(image: sitk.Image, folder: Path, write_series: WriteSeries, **options: object) -> Path:
    write_series(image, folder / "series", **options)
    return folder / "series"


# What each kind of bad input is, as options of `run`; the options that are left out are sound volumes.
REFUSED: dict[str, tuple[Spoil, str]] = {
    "a missing file": (lambda d, i, w: {"excretory": d / "nowhere.nii.gz"}, "does not exist"),
    "a text file": (lambda d, i, w: {"excretory": text_file(d)}, "excretory phase"),
    "a truncated file": (lambda d, i, w: {"excretory": truncated(i, d)}, "truncated|damaged|incomplete"),
    "an empty folder": (lambda d, i, w: {"excretory": empty(d)}, "no DICOM"),
    "a picture": (lambda d, i, w: {"excretory": write(i[:, :, 9], d / "slice.nrrd")}, "single picture"),
    "a time series": (
        lambda d, i, w: {"excretory": write(sitk.JoinSeries([i, i]), d / "times.nrrd")},
        "4 dimensions",
    ),
    "colour": (lambda d, i, w: {"excretory": write(colour(i), d / "colour.nrrd")}, "colour"),
    "NaN": (lambda d, i, w: {"excretory": write(changed(i, with_nan), d / "nan.nii.gz")}, "NaN"),
    "a constant volume": (
        lambda d, i, w: {"excretory": write(changed(i, np.zeros_like), d / "zero.nii.gz")},
        "empty",
    ),
    "no HU": (lambda d, i, w: {"excretory": write(changed(i, lambda hu: hu + 1024), d / "raw.nii.gz")}, "not in HU"),
    "few slices": (lambda d, i, w: {"excretory": write(i[:, :, :9], d / "few.nii.gz")}, "only 9 slices"),
    "another modality": (lambda d, i, w: {"excretory": folder_of(i, d, w, Modality="MR")}, "no CT"),
    "gantry tilt": (lambda d, i, w: {"excretory": folder_of(i, d, w, edit=tilt)}, "tilt"),
    "irregular slices": (lambda d, i, w: {"excretory": folder_of(i, d, w, edit=crowd)}, "not a whole volume"),
    "missing slices": (lambda d, i, w: {"excretory": folder_of(i, d, w, skip=(7, 8))}, "not a whole volume"),
    "no overlap": (lambda d, i, w: {"excretory": write(far_away_without_organs(i), d / "far.nii.gz")}, "overlap"),
    "one file twice": (lambda d, i, w: {"noncontrast": (path := write(i, d / "i.nrrd")), "excretory": path}, "same"),
    "one series twice": (
        lambda d, i, w: {"noncontrast": write(i, d / "a.nrrd"), "excretory": write(i, d / "b.nii.gz")},
        "twice",
    ),
    "a label map without kidneys": (
        lambda d, i, w: {"kidneys": write(sitk.Cast(i * 0, sitk.sitkUInt8), d / "labels.nrrd")},
        "No kidney",
    ),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, phantom: Phantom) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sound")
    return {
        "noncontrast": write(phantom(), folder / "noncontrast.nrrd"),
        "excretory": write(phantom(contrast=True, seed=1), folder / "excretory.nrrd"),
    }


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize("kind", REFUSED)
def test_bad_input_is_refused_with_exit_code_3_and_nothing_is_written(
    kind: str, sound: dict[str, Path], phantom: Phantom, write_series: WriteSeries, tmp_path: Path
) -> None:
    spoil, text = REFUSED[kind]
    inputs, out = tmp_path / "inputs", tmp_path / "outputs"
    inputs.mkdir()
    out.mkdir()
    options = {**sound, **spoil(inputs, phantom(contrast=True, seed=1), write_series)}
    arguments = [word for name, path in options.items() for word in (f"--{name}", str(path))]
    result = runner.invoke(app, ["run", *arguments, "--out", str(out / "result"), "--quiet"])
    assert result.exit_code == 3
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert any(word in result.stderr for word in text.split("|"))
    assert list(out.iterdir()) == []


def test_phases_of_two_patients_are_refused(phantom: Phantom, write_series: WriteSeries, tmp_path: Path) -> None:
    write_series(phantom(), tmp_path / "noncontrast", PatientID="P-1", PatientName="Doe^Jane")
    write_series(phantom(contrast=True, seed=1), tmp_path / "excretory", PatientID="P-2", PatientName="Roe^Richard")
    options = ["--noncontrast", str(tmp_path / "noncontrast"), "--excretory", str(tmp_path / "excretory")]
    result = runner.invoke(app, ["run", *options, "--out", str(tmp_path / "out"), "--json", "--verbose"])
    assert result.exit_code == 3
    error = json.loads(result.stdout)["error"]
    assert (error["class"], error["exit_code"]) == ("IdentityError", 3)
    assert "different patients" in error["what"]
    assert "Traceback" in result.stderr
    assert not any(name in result.output for name in ("P-1", "P-2", "Doe", "Roe")), "no patient is named"


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize(
    "words",
    [
        "run --noncontrast {noncontrast} --excretory {excretory}",
        "segment --image {noncontrast}",
        "register --noncontrast {noncontrast} --excretory {excretory}",
        "transform --transform {move} --volume {excretory} --like {noncontrast}",
        "simulate",
        "demo",
        "prepare segmentation --cohort {cohort}",
        "train segmentation --exams 4",
    ],
    ids=lambda words: words.split()[0],
)
def test_a_disk_without_room_is_refused_before_the_work(
    sound: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (tmp_path / "cohort" / "exam").mkdir(parents=True)
    sitk.WriteTransform(sitk.TranslationTransform(3), str(tmp_path / "move.h5"))
    places = {**sound, "move": tmp_path / "move.h5", "cohort": tmp_path / "cohort"}
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    result = runner.invoke(app, [*words.format(**places).split(), "--out", str(tmp_path / "out")])
    assert result.exit_code == 5
    assert "MB free" in result.stderr
    assert not {"segment ...", "register ...", "simulate done"} & set(result.stderr.splitlines())


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "x.csv", tmp_path / f"{'x' * 300}.csv", tmp_path / "folder"):
        for words in (
            ["cohort", "manifest", str(tmp_path / "nowhere"), "--out", str(target)],
            ["reader-study", "make", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"), "--key", str(target)],
        ):
            result = runner.invoke(app, words)
            assert result.exit_code == 2
            assert "The output path" in result.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("segment", "--image"),
        ("evaluate", "--synthetic"),
        ("evaluate", "--acquired"),
        ("register", "--noncontrast"),
        ("synthesize", "--excretory"),
        ("models", None),
    ],
)
def test_every_command_refuses_a_file_that_is_not_there(
    sound: dict[str, Path], tmp_path: Path, command: str, option: str | None
) -> None:
    good = str(sound["noncontrast"])
    options = {
        "segment": ["--image", good],
        "evaluate": ["--synthetic", good, "--acquired", good],
        "register": ["--noncontrast", good, "--excretory", good],
        "synthesize": ["--noncontrast", good, "--excretory", good, "--kidneys", good],
        "models": ["show", str(tmp_path / "nowhere.safetensors")],
    }[command]
    if option:
        options[options.index(option) + 1] = str(tmp_path / "nowhere.nrrd")
    out = ["--out", str(tmp_path / "out")] if command in ("segment", "register", "synthesize") else []
    result = runner.invoke(app, [command, *options, *out])
    assert result.exit_code == 3
    assert "nowhere" in result.stderr or "does not exist" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("jobs_run_here")
@pytest.mark.parametrize(
    "device",
    [
        "cuda:99",
        pytest.param("mps", marks=pytest.mark.skipif(sys.platform == "darwin", reason="may have an Apple GPU")),
    ],
)
def test_a_device_that_is_not_there_is_a_lack_of_resources(sound: dict[str, Path], tmp_path: Path, device: str) -> None:
    options = ["--image", str(sound["noncontrast"]), "--out", str(tmp_path / "out"), "--device", device]
    result = runner.invoke(app, ["segment", *options])
    assert result.exit_code == 5
    assert "--device" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("jobs_run_here")
def test_a_model_of_another_task_is_refused_before_any_stage(sound: dict[str, Path], tmp_path: Path) -> None:
    options = [word for name, path in sound.items() for word in (f"--{name}", str(path))]
    options += ["--model", "kidney-segmenter", "--out", str(tmp_path / "out")]
    result = runner.invoke(app, ["run", *options])
    assert result.exit_code == 3
    assert "made for segmentation, not for synthesis" in result.stderr
    assert "segment ..." not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_identifiers_are_removed_from_dicom_output_only(sound: dict[str, Path], tmp_path: Path) -> None:
    options = [word for name, path in sound.items() for word in (f"--{name}", str(path))]
    result = runner.invoke(app, ["run", *options, "--out", str(tmp_path / "out"), "--deidentify"])
    assert result.exit_code == 2
    assert "--dicom-out" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_in_a_file_is_refused_before_the_input_is_read(sound: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = str(tmp_path / "nowhere")
    for command in (["segment", "--image", f"{missing}.nii.gz"], ["prepare", "synthesis", "--cohort", missing]):
        result = runner.invoke(app, [*command, "--out", str(tmp_path / "file" / "out")])
        assert result.exit_code == 2
        assert "lies in a file" in result.stderr
