"""The job `transform`: images, labels, points and maps, both ways, from files to files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.files.outputs import INVERSE_TRANSFORM, OUTPUTS, SUMMARY, TRANSFORM
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.progress import Progress
from NephroSynthLib.registration.markups import as_markups, as_table, read_points

SHIFT = np.array([3.0, -6.0, 9.0])
"""From the non-contrast to the excretory frame, in mm: whole voxels."""


def _image(origin: tuple[float, float, float]) -> sitk.Image:
    values = np.random.default_rng(0).integers(0, 5, (20, 22, 24)).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((3.0, 3.0, 3.0))
    image.SetOrigin(origin)
    return image


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A result whose transform is a shift, with the same pattern in both frames."""
    result = tmp_path / "result"
    result.mkdir()
    sitk.WriteTransform(sitk.TranslationTransform(3, SHIFT.tolist()), str(result / TRANSFORM))
    sitk.WriteImage(_image((0.0, 0.0, 0.0)), str(result / "excretory_registered.nii.gz"))
    sitk.WriteImage(_image(tuple(SHIFT.tolist())), str(tmp_path / "excretory.nii.gz"))
    return tmp_path


def _transform(folder: Path, **arguments: Any) -> dict[str, Any]:
    whole = {"transform": folder / "result", "out": folder / "out", **arguments}
    return execute("transform", whole, Progress())


def _values(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_volume_and_labels_of_the_excretory_frame_come_to_the_grid_of_the_result(folder: Path) -> None:
    image = folder / "excretory.nii.gz"
    _transform(folder, volume=image, labels=image)
    for name in ("volume", "labels"):
        moved = sitk.ReadImage(str(folder / f"out/{name}.nii.gz"))
        assert moved.GetOrigin() == (0.0, 0.0, 0.0)
        assert np.array_equal(sitk.GetArrayFromImage(moved), _values(image))
    assert json.loads((folder / "out" / SUMMARY).read_text())["to"] == "noncontrast"


def test_the_inverse_carries_to_the_excretory_frame(folder: Path) -> None:
    image = folder / "result/excretory_registered.nii.gz"
    summary = _transform(folder, labels=image, like=folder / "excretory.nii.gz", inverse=True)
    assert np.array_equal(_values(folder / "out/labels.nii.gz"), _values(image))
    assert summary["to"] == "excretory"


@pytest.mark.parametrize(("suffix", "write"), [("mrk.json", as_markups), ("csv", as_table)])
@pytest.mark.parametrize("inverse", [False, True])
def test_points_move_with_the_images(folder: Path, suffix: str, write: Any, inverse: bool) -> None:
    path = folder / f"points.{suffix}"
    path.write_text(write({"a": (10.0, 20.0, 30.0), "b": (1.0, 2.0, 3.0)}))
    _transform(folder, points=path, inverse=inverse)
    (found,) = read_points(folder / f"out/points.{suffix}")
    expected = np.array([10.0, 20.0, 30.0]) + (SHIFT if inverse else -SHIFT)
    assert np.allclose(found["a"], expected, atol=1e-3)
    assert list(found) == ["a", "b"]


def test_maps_and_the_inverse_transform_are_written_on_request(folder: Path) -> None:
    summary = _transform(folder, jacobian=True, displacement=True, inverse_field=True)
    assert np.allclose(_values(folder / "out/jacobian.nii.gz"), 1.0, atol=1e-5)
    assert np.allclose(_values(folder / "out/displacement.nii.gz"), np.linalg.norm(SHIFT), atol=1e-4)
    back = sitk.ReadTransform(str(folder / "out" / INVERSE_TRANSFORM))
    assert np.allclose(back.TransformPoint((0.0, 0.0, 0.0)), -SHIFT)
    assert summary["inverse_error_mm"] < 1e-9
    assert {path.name for path in (folder / "out").iterdir()} <= set(OUTPUTS["transform"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nothing to transform"),
        ({"inverse": True, "jacobian": True}, "grid in the excretory frame is missing"),
        ({"transform": "nowhere.h5", "inverse_field": True}, "missing, damaged"),
        ({"labels": "nowhere.nii.gz"}, "does not exist"),
        ({"points": "nowhere.csv"}, "does not exist"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_and_nothing_is_written(
    folder: Path, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(NephroSynthError, match=said):
        _transform(folder, **arguments)
    assert not (folder / "out").exists()


def test_a_transform_alone_needs_a_grid_for_images(folder: Path) -> None:
    (folder / "result/excretory_registered.nii.gz").unlink()
    with pytest.raises(NephroSynthError, match="grid of the output is not known"):
        _transform(folder, displacement=True)
