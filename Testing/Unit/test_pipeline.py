"""The pipeline judges only where a nephrographic phase was acquired; Testing/Integration runs it as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import ModelError
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.pipeline import judge, peak_memory_mb, run
from NephroSynthLib.progress import Progress
from NephroSynthLib.segmentation.segmenter import Segmentation
from NephroSynthLib.settings import SegmentationSettings, Settings


def test_without_an_acquired_phase_there_is_no_comparison(phantom: Callable[..., sitk.Image]) -> None:
    image = phantom()
    kidneys = Segmentation(sitk.Cast(image > 20, sitk.sitkUInt8), {}, (), ("given", ""))
    assert judge(Exam(image, image), image, image, kidneys, Settings(), Progress()) is None


def test_a_model_that_is_not_there_ends_the_run(phantom: Callable[..., sitk.Image], tmp_path: Path) -> None:
    settings = Settings(segmentation=SegmentationSettings(model=str(tmp_path / "nowhere.safetensors")))
    with pytest.raises(ModelError, match="nowhere"):
        run(Exam(phantom(), phantom(contrast=True, seed=1)), settings)


def test_the_peak_of_memory_is_at_least_the_present_use() -> None:
    present = psutil.Process().memory_info().rss / 2**20
    assert peak_memory_mb() > 0.9 * present
    assert peak_memory_mb() < psutil.virtual_memory().total / 2**20
