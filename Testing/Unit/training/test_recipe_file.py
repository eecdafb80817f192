from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.errors import UsageError
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.training import recipe_file, segmentation_cases
from NephroSynthLib.training.order import TrainingOrder
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool
from NephroSynthLib.training.recipe_file import Content


def content(folder: Path, **options: Any) -> Content:
    order = TrainingOrder("segmentation", folder, **{"steps": 10, "exams": 2, **options})
    pool = CasePool(folder / "cases", dict)
    return recipe_file.content(order, segmentation_cases.recipe(), pool, None)


def test_more_steps_continue_and_the_file_keeps_the_earlier_target(tmp_path: Path) -> None:
    recipe_file.write(tmp_path, recipe_file.agree(tmp_path, content(tmp_path)))
    recipe_file.write(tmp_path, recipe_file.agree(tmp_path, content(tmp_path)))
    recipe_file.write(tmp_path, recipe_file.agree(tmp_path, content(tmp_path, steps=25)))
    found = json.loads((tmp_path / "recipe.json").read_text())
    assert found["steps"] == [10, 25]
    assert found["configuration"] == segmentation_cases.CONFIGURATION.model_dump(mode="json")
    with pytest.raises(UsageError, match="steps was 25, is 10"):
        recipe_file.agree(tmp_path, content(tmp_path))


def test_a_case_that_joins_a_cohort_makes_another_training(tmp_path: Path) -> None:
    recipe_file.write(tmp_path, content(tmp_path))
    np.savez(tmp_path / "cases" / "000000.npz")  # a simulated exam that the order asks for
    recipe_file.agree(tmp_path, content(tmp_path))
    np.savez(tmp_path / "cases" / f"{FIRST_OF_COHORT}.npz")
    with pytest.raises(UsageError, match="it had 0 cases besides simulated ones, now 1"):
        recipe_file.agree(tmp_path, content(tmp_path))


def test_other_label_maps_make_another_training(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "s1.nii.gz").write_bytes(b"one")
    run = tmp_path / "run"
    recipe_file.write(run, content(run, anatomies=maps))
    recipe_file.agree(run, content(run, anatomies=maps))
    (maps / "s1.nii.gz").write_bytes(b"another")
    for other in (maps, None):
        with pytest.raises(UsageError, match="other label maps of patients"):
            recipe_file.agree(run, content(run, anatomies=other))


def test_the_start_is_told_by_its_digest(tmp_path: Path) -> None:
    bundle = load_bundle("kidney-segmenter")
    order = TrainingOrder("segmentation", tmp_path)
    pool = CasePool(tmp_path / "cases", dict)
    given = recipe_file.content(order, segmentation_cases.recipe(), pool, bundle)
    assert given["start from"] == {"name": "kidney-segmenter", "sha256": bundle.sha256}


def test_checkpoints_without_a_recipe_and_a_damaged_recipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UsageError, match=r"a training without recipe\.json"):
        recipe_file.agree(tmp_path, content(tmp_path))
    (tmp_path / "recipe.json").write_text('{"steps": ')
    with pytest.raises(UsageError, match=r"recipe\.json is damaged"):
        recipe_file.agree(tmp_path, content(tmp_path))


def test_a_forgotten_training_leaves_its_cases(tmp_path: Path) -> None:
    recipe_file.write(tmp_path, content(tmp_path))
    np.savez(tmp_path / "cases" / "000000.npz")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "metrics.csv").write_text("step\n")
    recipe_file.forget(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["000000.npz"]
    assert not (tmp_path / "checkpoints").exists()
