from __future__ import annotations

import importlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.errors import ModelError, UsageError
from NephroSynthLib.models.bundle import Task, load_bundle, save_bundle, verify_bundle
from NephroSynthLib.training import train as training
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool

MODULE = """
import numpy as np

def make_case(seed):
    rng = np.random.default_rng(seed)
    return {"level": rng.uniform(-0.9, 0.9, 1)}
"""


@pytest.fixture
def small_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> training.Recipe:
    """The synthesizer's recipe on cases that take no time to make and a network that takes none to train."""
    (tmp_path / "made_for_train_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)

    def sampler_of(pool: CasePool) -> training.DrawSample:
        def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
            image = np.full((1, 6, 16, 16), pool.load(rng.choice(np.array(pool.ready())))["level"][0], np.float32)
            return {"image": image, "condition": np.repeat(image, 3, axis=0), "context": np.zeros(5, np.float32)}

        return draw

    recipe = training.RECIPES["synthesis"]
    network = replace(recipe.network, channels=(8, 16), strides=((1, 2, 2),), blocks=(1, 1), attention=(False, False))
    small = replace(
        recipe,
        name="small",
        network=network,
        make_case=importlib.import_module("made_for_train_test").make_case,
        sampler_of=sampler_of,
        evaluate_on=lambda denoiser, pool, steps: {"cases": float(len(pool.ready()))},
    )
    monkeypatch.setitem(training.RECIPES, "synthesis", small)
    monkeypatch.setattr(training, "HELD_OUT", range(800_000, 800_002))
    return small


def test_a_training_ends_in_a_bundle_that_tells_how_it_was_made(tmp_path: Path, small_recipe: training.Recipe) -> None:
    told: list[float] = []
    path = training.train(
        "synthesis", tmp_path / "run", steps=6, exams=3, seed=2, on_progress=lambda done, text: told.append(done)
    )

    bundle = verify_bundle(path)
    assert bundle.metadata.name == "small"
    assert bundle.metadata.network == small_recipe.network
    assert bundle.metadata.results == {"held_out": "2 simulated exams, seeds 800000 to 800001", "cases": 2.0}
    assert bundle.metadata.training["steps"] == 6
    assert "--seed 2" in str(bundle.metadata.training["command"])
    assert "seeds 2000 to 2002" in str(bundle.metadata.training["data"])
    assert told[0] == 0.0
    assert told[-1] == 1.0


def test_a_training_that_is_called_again_goes_on_and_counts_its_hours(
    tmp_path: Path, small_recipe: training.Recipe
) -> None:
    def train(steps: int) -> Path:
        return training.train(
            "synthesis", tmp_path / "run", steps=steps, exams=2, seed=2, on_progress=lambda done, text: None
        )

    train(3)
    first = float((tmp_path / "run" / "hours.txt").read_text())
    bundle = load_bundle(train(5))
    assert bundle.metadata.training["steps"] == 5
    assert float((tmp_path / "run" / "hours.txt").read_text()) > first


def test_a_training_begins_with_the_weights_it_is_given(tmp_path: Path, small_recipe: training.Recipe) -> None:
    def train(folder: str, **options: str) -> Path:
        return training.train(
            "synthesis",
            tmp_path / folder,
            steps=1,
            exams=2,
            learning_rate=1e-8,
            on_progress=lambda done, text: None,
            **options,
        )

    first = load_bundle(train("first"))
    second = load_bundle(train("second", start_from=str(first.path)))
    for name, tensor in first.tensors.items():
        torch.testing.assert_close(second.tensors[name], tensor)
    assert second.metadata.training["started_from"] == {"sha256": first.sha256, **first.metadata.training}
    assert "--start-from small" in str(second.metadata.training["command"])


def test_weights_of_a_network_that_was_told_less_are_a_beginning(
    tmp_path: Path, small_recipe: training.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is new counts nothing before it is learned: at nearly no learning rate, all stays as it was."""
    full = training.train("synthesis", tmp_path / "full", steps=1, exams=2, on_progress=lambda *_: None)
    bundle = load_bundle(full)
    told_less = replace(small_recipe.network, context_features=3)
    weight = bundle.tensors["context.weight"][:, :3].contiguous()
    metadata = bundle.metadata.model_copy(update={"network": told_less})
    save_bundle(tmp_path / "less.safetensors", {**bundle.tensors, "context.weight": weight}, metadata)

    on = training.train(
        "synthesis",
        tmp_path / "on",
        steps=1,
        exams=2,
        learning_rate=1e-9,
        start_from=str(tmp_path / "less.safetensors"),
        on_progress=lambda *_: None,
    )

    wider = load_bundle(on).tensors["context.weight"]
    torch.testing.assert_close(wider[:, :3], weight)
    torch.testing.assert_close(wider[:, 3:], torch.zeros(weight.shape[0], 2, dtype=wider.dtype))


def test_weights_of_another_network_are_refused(tmp_path: Path, small_recipe: training.Recipe) -> None:
    with pytest.raises(ModelError, match="its network is not the one"):
        training.train(
            "synthesis",
            tmp_path / "run",
            steps=1,
            exams=1,
            start_from="nephrographic-synthesizer",
            on_progress=lambda done, text: None,
        )


def test_a_cohort_alone_is_enough(tmp_path: Path, small_recipe: training.Recipe) -> None:
    (tmp_path / "run" / "cases").mkdir(parents=True)
    np.savez(tmp_path / "run" / "cases" / f"{FIRST_OF_COHORT + 7}.npz", level=np.array([0.3]))
    path = training.train("synthesis", tmp_path / "run", steps=2, exams=0, on_progress=lambda done, text: None)
    metadata = load_bundle(path).metadata
    assert metadata.training["data"] == "1 exams of a cohort of one's own"
    assert metadata.results == {"held_out": "", "cases": 0.0}


def test_cases_that_lie_there_are_enough_and_all_are_told_of(tmp_path: Path, small_recipe: training.Recipe) -> None:
    (tmp_path / "run" / "cases").mkdir(parents=True)
    for seed in (7, 8, 12):
        np.savez(tmp_path / "run" / "cases" / f"{seed:06d}.npz", level=np.array([0.3]))
    path = training.train("synthesis", tmp_path / "run", steps=2, exams=0, on_progress=lambda done, text: None)
    metadata = load_bundle(path).metadata
    assert metadata.training["data"] == "3 simulated exams, seeds 7 to 8, 12; no patient data"
    assert metadata.results["cases"] > 0


@pytest.mark.parametrize("task", ["segmentation", "synthesis"])
def test_another_process_may_draw_the_samples(tmp_path: Path, task: Task) -> None:
    """As Windows and macOS do it, where a process gets all it needs pickled."""
    recipe = training.RECIPES[task]
    pool = CasePool(tmp_path, recipe.make_case)
    with pool.filling([]):
        assert pickle.loads(pickle.dumps(recipe.sampler_of(pool))).args[0].folder == tmp_path


@pytest.mark.parametrize(("seed", "exams"), [(800, 3), (799, 1001), (900, 1)])
def test_exams_that_judge_are_not_trained_on(
    tmp_path: Path, small_recipe: training.Recipe, seed: int, exams: int
) -> None:
    with pytest.raises(UsageError, match="only judge"):
        training.train("segmentation", tmp_path / "out", steps=1, exams=exams, seed=seed, on_progress=lambda *_: None)
    assert not (tmp_path / "out").exists()


def test_nothing_to_train_on_is_a_clear_error(tmp_path: Path, small_recipe: training.Recipe) -> None:
    with pytest.raises(UsageError, match="no prepared exam to train on"):
        training.train("synthesis", tmp_path / "run", steps=2, exams=0, on_progress=lambda done, text: None)
