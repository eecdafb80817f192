from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from NephroSynthLib.errors import ModelError
from NephroSynthLib.jobs.chosen_models import check_chosen_models
from NephroSynthLib.settings import Settings


def test_a_model_of_another_task_is_refused() -> None:
    settings = Settings.model_validate({"segmentation": {"model": "nephrographic-synthesizer"}})
    with pytest.raises(ModelError, match="made for synthesis, not for segmentation"):
        check_chosen_models(settings, "segmentation", "synthesis")
    check_chosen_models(settings, "synthesis")


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    settings = Settings.model_validate({"synthesis": {"model": str(tmp_path / "nowhere.safetensors")}})
    with pytest.raises(ModelError, match="There is no model"):
        check_chosen_models(settings, "segmentation", "synthesis")


def test_default_models_load_no_heavy_library() -> None:
    code = (
        "import sys; from NephroSynthLib.settings import Settings; "
        "from NephroSynthLib.jobs.chosen_models import check_chosen_models; "
        "check_chosen_models(Settings(), 'segmentation', 'synthesis'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_total_segmentator_is_refused_where_it_is_not_installed() -> None:
    settings = Settings.model_validate({"segmentation": {"model": "totalsegmentator"}})
    check_chosen_models(settings, "synthesis")
    with pytest.raises(ModelError, match="TotalSegmentator is not installed"):
        check_chosen_models(settings, "segmentation", "synthesis")
