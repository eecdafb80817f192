"""TotalSegmentator itself is not installed for tests; a module with the signature of its Python function stands in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.imaging.dice import dice
from NephroSynthLib.segmentation.segmenter import check_segmenter, segment_kidneys
from NephroSynthLib.settings import SegmentationSettings

CHOSEN = SegmentationSettings(model="totalsegmentator")
BOXES = {"right": np.s_[8:16, 8:20, 4:14], "left": np.s_[8:16, 8:20, 24:34]}


def ct() -> sitk.Image:
    """Returns a CT stored from left to right, with two boxes of parenchyma in fat."""
    hu = np.full((24, 28, 40), -100.0, np.float32)
    for box in BOXES.values():
        hu[box] = 90.0
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((3.0, 3.0, 4.0))
    image.SetOrigin((-60.0, -40.0, 10.0))
    return sitk.DICOMOrient(image, "RAS")


def install(monkeypatch: pytest.MonkeyPatch, work: Callable[[Path, Path], None]) -> dict[str, Any]:
    """Puts a module in TotalSegmentator's place; returns a dictionary that takes the arguments of its call."""
    told: dict[str, Any] = {}

    def totalsegmentator(
        input: Path,
        output: Path | None = None,
        ml: bool = False,
        *,
        task: str = "total",
        roi_subset: list[str] | None = None,
        device: str = "gpu",
        quiet: bool = False,
    ) -> None:
        assert output is not None
        print("Using Device: cpu")
        told.update(ml=ml, task=task, roi_subset=roi_subset, device=device, quiet=quiet)
        work(Path(input), Path(output))

    package, api = ModuleType("totalsegmentator"), ModuleType("totalsegmentator.python_api")
    package.__spec__ = api.__spec__ = sys.__spec__
    vars(api)["totalsegmentator"] = totalsegmentator
    monkeypatch.setitem(sys.modules, "totalsegmentator", package)
    monkeypatch.setitem(sys.modules, "totalsegmentator.python_api", api)
    return told


def write_masks(ct_file: Path, masks: Path) -> None:
    image = sitk.ReadImage(str(ct_file))
    bright = sitk.GetArrayFromImage(image) > 0
    x = np.array([image.TransformIndexToPhysicalPoint((i, 0, 0))[0] for i in range(image.GetSize()[0])])
    for side, half in (("right", x < 0), ("left", x >= 0)):
        mask = sitk.GetImageFromArray((bright & half).astype(np.uint8))
        mask.CopyInformation(image)
        sitk.WriteImage(mask, str(masks / f"kidney_{side}.nii.gz"))


def test_its_masks_become_the_kidneys_on_the_grid_of_the_ct(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = install(monkeypatch, write_masks)
    image = ct()

    found = segment_kidneys(image, CHOSEN, device="cpu")

    assert found.volumes_ml == pytest.approx({"right": 960 * 0.036, "left": 960 * 0.036}, abs=0.1)
    labels = sitk.GetArrayFromImage(sitk.DICOMOrient(found.labels, "LPS"))
    for label, box in enumerate(BOXES.values(), start=1):
        truth = np.zeros(labels.shape, bool)
        truth[box] = True
        assert dice(labels == label, truth) == 1.0
    assert found.labels.GetDirection() == image.GetDirection()
    assert found.model == ("TotalSegmentator", "")
    assert told == {
        "ml": False,
        "task": "total",
        "roi_subset": ["kidney_right", "kidney_left"],
        "device": "cpu",
        "quiet": True,
    }
    assert "Using Device" not in capsys.readouterr().out


def test_empty_masks_mean_that_no_kidney_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_empty(ct_file: Path, masks: Path) -> None:
        sitk.WriteImage(
            sitk.Cast(sitk.ReadImage(str(ct_file)) > 5000, sitk.sitkUInt8), str(masks / "kidney_left.nii.gz")
        )

    install(monkeypatch, write_empty)
    found = segment_kidneys(ct(), CHOSEN, device="cpu")
    assert found.volumes_ml == {}
    assert found.warnings == ("No right and no left kidney was found.",)


def test_its_failure_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(ct_file: Path, masks: Path) -> None:
        raise ConnectionError("no weights")

    install(monkeypatch, fail)
    with pytest.raises(ModelError, match=r"failed \(ConnectionError\)") as refused:
        segment_kidneys(ct(), CHOSEN, device="cpu")
    assert refused.value.action is Action.INSTALL_TOTALSEGMENTATOR


def test_it_is_refused_before_any_work_where_it_is_not_installed() -> None:
    with pytest.raises(ModelError, match="not installed") as refused:
        check_segmenter("totalsegmentator")
    assert refused.value.action is Action.INSTALL_TOTALSEGMENTATOR
