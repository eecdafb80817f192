"""The folder of a stage holds its images and a summary that tells how it was computed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import ResourceError
from NephroSynthLib.files.outputs import SUMMARY
from NephroSynthLib.jobs.result_folder import check_stage_space, provenance, save_stage
from NephroSynthLib.models.device import device_used
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings


def test_a_stage_is_saved_with_its_figures(phantom: Callable[..., sitk.Image], tmp_path: Path) -> None:
    image, events = phantom(), []
    progress = Progress(events.append)
    save_stage(tmp_path, {"figure": float("nan"), "pair": (1, 2)}, {"ct": image}, progress)
    assert json.loads((tmp_path / SUMMARY).read_text()) == {"figure": None, "pair": [1, 2]}
    saved = sitk.ReadImage(str(tmp_path / "ct.nii.gz"))
    assert (sitk.GetArrayFromImage(saved) == sitk.GetArrayFromImage(image)).all()
    assert (events[-1].stage, events[-1].fraction) == ("save", 1.0)


def test_provenance_tells_settings_versions_and_each_doubt_once() -> None:
    told = provenance(Settings(seed=7), ["one", "two", "one"], ["known"])
    assert told["settings"]["seed"] == 7
    assert told["device"] == device_used("auto")
    assert told["warnings"] == ["one", "two"]
    assert told["notes"] == ["known"]
    assert {"NephroSynth", "Python", "torch"} <= told["versions"].keys()
    assert "Research use only" in told["notice"]


def test_a_stage_is_refused_before_work_on_a_disk_without_room(
    phantom: Callable[..., sitk.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = phantom()
    room = shutil.disk_usage(tmp_path)._replace(free=2 * image.GetNumberOfPixels())
    monkeypatch.setattr("NephroSynthLib.files.staging.shutil.disk_usage", lambda _: room)
    check_stage_space(tmp_path / "out", image, 1)
    with pytest.raises(ResourceError, match="MB free"):
        check_stage_space(tmp_path / "out", image, 2)
