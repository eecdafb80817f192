"""A stage on its own, from files to a folder with images and a summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import ModelError, QualityGateError, UnreadableInputError
from NephroSynthLib.files.outputs import SUMMARY, TRANSFORM
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.progress import Progress


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory, phantom: Callable[..., sitk.Image]) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("phases")
    sitk.WriteImage(phantom(), str(folder / "noncontrast.nrrd"))
    sitk.WriteImage(phantom(contrast=True, seed=1), str(folder / "excretory.nrrd"))
    return {name: str(folder / f"{name}.nrrd") for name in ("noncontrast", "excretory")}


def test_registering_writes_image_transform_and_summary(phases: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = {"registration": {"mode": "none"}}
    summary = execute("register", {**phases, "out": out, "settings": settings}, Progress())
    assert json.loads((out / SUMMARY).read_text()) == summary
    assert {path.name for path in out.iterdir()} == {"excretory_registered.nii.gz", TRANSFORM, SUMMARY}
    assert summary["settings"]["registration"]["mode"] == "none"


def test_a_missed_gate_leaves_nothing_in_a_strict_run(phases: dict[str, str], tmp_path: Path) -> None:
    shifted = sitk.ReadImage(phases["excretory"])
    shifted.SetOrigin([coordinate + 45.0 for coordinate in shifted.GetOrigin()])
    sitk.WriteImage(shifted, str(tmp_path / "shifted.nrrd"))
    arguments = {"noncontrast": phases["noncontrast"], "excretory": tmp_path / "shifted.nrrd", "out": tmp_path / "out"}
    settings = {"registration": {"mode": "none"}, "strict": True}
    with pytest.raises(QualityGateError, match="could not be aligned"):
        execute("register", {**arguments, "settings": settings}, Progress())
    assert not (tmp_path / "out").exists()


def test_a_volume_equals_itself(phases: dict[str, str]) -> None:
    one = phases["excretory"]
    metrics = execute("evaluate", {"synthetic": one, "acquired": one}, Progress())["metrics"]
    assert metrics["around"]["hu"]["mae_hu"] == 0


def test_a_missing_file_is_named_by_its_role(phases: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="acquired phase"):
        execute("evaluate", {"synthetic": phases["excretory"], "acquired": tmp_path / "nowhere.nrrd"}, Progress())


@pytest.mark.parametrize(
    ("job", "files"),
    [
        ("run", ("noncontrast", "excretory")),
        ("register", ("noncontrast", "excretory")),
        ("segment", ("image",)),
    ],
)
def test_a_segmenter_of_another_task_is_refused_before_any_file_is_read(
    job: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    nowhere = {name: tmp_path / f"{name}.nrrd" for name in files}
    settings = {"segmentation": {"model": "nephrographic-synthesizer"}}
    with pytest.raises(ModelError, match="made for synthesis, not for segmentation"):
        execute(job, {**nowhere, "out": tmp_path / "out", "settings": settings}, Progress())
