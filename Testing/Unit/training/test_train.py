from __future__ import annotations

import csv
import importlib
import json
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from small_trainings import MODULE, SMALL, small_recipe

from NephroSynthLib.errors import Action, Cancelled, InputError, ModelError, UsageError
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.methods.condition import CONTEXT_FEATURES
from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.methods.registry import verify_bundle
from NephroSynthLib.models.bundle import load_bundle, save_bundle
from NephroSynthLib.models.swin_diffusion import SwinDiffusion
from NephroSynthLib.training import segmentation_cases, synthesis_cases, validation
from NephroSynthLib.training import train as training
from NephroSynthLib.training.order import TrainingOrder
from NephroSynthLib.training.pool import FIRST_OF_COHORT, CasePool, save_case
from NephroSynthLib.training.recipe import Recipe
from NephroSynthLib.training.train import train

pytestmark = pytest.mark.system("processes")


@pytest.fixture(autouse=True)
def only_small_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains dsSNICT on cases that take no time to make, and a network that takes none to train."""
    (tmp_path / "made_for_train_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    make_case = importlib.import_module("made_for_train_test").make_case

    monkeypatch.setattr(training, "_recipe", lambda order: small_recipe(make_case))
    monkeypatch.setattr(training, "HELD_OUT", range(800_000, 800_002))


def give_cases(folder: Path, *seeds: int) -> None:
    """Cases that lie there already, so that no process has to prepare them."""
    for name, numbers in (("cases", seeds), ("held-out", (800_000, 800_001))):
        (folder / name).mkdir(parents=True)
        for seed in numbers:
            np.savez(folder / name / f"{seed:06d}.npz", level=np.array([0.3]))


def run(folder: Path, **options: Any) -> Path:
    """Trains on exams 0 and 1, which lie there already."""
    if not folder.exists():
        give_cases(folder, 0, 1)
    order = TrainingOrder("synthesis", folder, **{"steps": 1, "exams": 2, **options})
    return train(order, lambda done, text: None).bundle


def test_a_training_ends_in_a_bundle_that_tells_how_it_was_made(tmp_path: Path) -> None:
    told: list[float] = []
    order = TrainingOrder("synthesis", tmp_path / "run", steps=3, exams=3, seed=2)
    path = train(order, lambda done, text: told.append(done)).bundle

    metadata = verify_bundle(path).metadata
    assert (path.name, metadata.name) == ("run.safetensors", "run")
    assert (metadata.task, metadata.method) == ("synthesis", "dssnict")
    assert load_bundle(path).configuration(SwinDiffusion) == SMALL
    assert metadata.window_hu == (-150, 250)
    assert metadata.normalization == DsSnict.normalization
    assert metadata.results == {"held_out": "2 simulated exams, seeds 800000 to 800001", "cases": 2.0}
    assert metadata.training["steps"] == 3
    assert metadata.training["command"] == order.command
    assert "seeds 2000 to 2002" in str(metadata.training["data"])
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert path.with_suffix(".json").exists()


def test_a_training_that_is_called_again_resumes_and_counts_its_hours(tmp_path: Path) -> None:
    run(tmp_path / "run", steps=1)
    first = float((tmp_path / "run" / "hours.txt").read_text())
    bundle = load_bundle(run(tmp_path / "run", steps=2))
    assert bundle.metadata.training["steps"] == 2
    assert float((tmp_path / "run" / "hours.txt").read_text()) > first


def test_a_training_begins_with_the_weights_it_is_given(tmp_path: Path) -> None:
    first = load_bundle(run(tmp_path / "first", learning_rate=1e-8))
    second = load_bundle(run(tmp_path / "second", learning_rate=1e-8, start_from=str(first.path)))
    for name, tensor in first.tensors.items():
        torch.testing.assert_close(second.tensors[name], tensor)
    assert second.metadata.training["started_from"] == {"sha256": first.sha256, **first.metadata.training}
    assert "--start-from first.safetensors" in str(second.metadata.training["command"])


def test_weights_of_a_network_with_a_shorter_context_are_a_beginning(tmp_path: Path) -> None:
    """At nearly no learning rate, the weights of the new inputs stay zero, and all others stay as they were."""
    torch.manual_seed(0)
    denoiser = SMALL.build()
    weight = denoiser.network.state_dict()["context.weight"][:, :3].contiguous()
    metadata = load_bundle("nephrographic-synthesizer").metadata
    save_bundle(tmp_path / "less.safetensors", {**denoiser.network.state_dict(), "context.weight": weight}, metadata)

    on = run(tmp_path / "on", learning_rate=1e-9, start_from=str(tmp_path / "less.safetensors"))

    wider = load_bundle(on).tensors["context.weight"]
    torch.testing.assert_close(wider[:, :3], weight.half())
    torch.testing.assert_close(wider[:, 3:], torch.zeros(weight.shape[0], CONTEXT_FEATURES - 3, dtype=wider.dtype))


@pytest.mark.parametrize(
    ("start", "message"),
    [("nephrographic-synthesizer", "its network is not the one"), ("kidney-segmenter", "made for segmentation")],
)
def test_weights_of_another_network_are_refused_before_anything_is_made(
    tmp_path: Path, start: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        train(TrainingOrder("synthesis", tmp_path / "run", exams=1, start_from=start), lambda *_: None)
    assert not (tmp_path / "run").exists()


def test_a_cohort_alone_is_enough(tmp_path: Path) -> None:
    give_cases(tmp_path / "run", FIRST_OF_COHORT + 7)
    for path in (tmp_path / "run" / "held-out").iterdir():
        path.unlink()
    metadata = load_bundle(run(tmp_path / "run", exams=0)).metadata
    assert metadata.training["data"] == "1 exams of a cohort of one's own"
    assert metadata.results == {"held_out": "none; no exam was held out", "cases": 0.0}


def test_cases_that_lie_there_are_enough_and_all_are_told_of(tmp_path: Path) -> None:
    give_cases(tmp_path / "run", 7, 8, 12)
    metadata = load_bundle(run(tmp_path / "run", exams=0)).metadata
    assert metadata.training["data"] == "3 simulated exams, seeds 7 to 8, 12; no patient data"
    assert metadata.results["cases"] == 2


def test_another_process_may_draw_the_samples(tmp_path: Path) -> None:
    """As on Windows and macOS, where a process gets all that it needs pickled."""
    for recipe in (segmentation_cases.recipe(), synthesis_cases.recipe(DsSnict(SMALL, SMALL.build()))):
        pool = CasePool(tmp_path, recipe.make_case)
        with pool.filling([]):
            assert pickle.loads(pickle.dumps(recipe.draw_from(pool))).args[0].folder == tmp_path


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files that stand for label maps of two patients; no map is read, because the small cases need none."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for name in ("s1.nii.gz", "s2.nii.gz", "classes.json"):
        (folder / name).write_text(name)
    (folder / "source.txt").write_text("A data set, CC BY 4.0")
    monkeypatch.setattr(AnatomyFolder, "check", lambda self, seeds=(): None)

    @contextmanager
    def fill_at_once(pool: CasePool, seeds: Iterable[int], workers: int) -> Iterator[None]:
        for seed in seeds:
            save_case(pool.make(seed), pool.path(seed))
        yield

    monkeypatch.setattr(CasePool, "filling", fill_at_once)
    return folder


def test_label_maps_drive_exams_to_train_on_and_none_that_judges(tmp_path: Path, maps: Path) -> None:
    order = TrainingOrder("synthesis", tmp_path / "run", steps=1, exams=4, seed=1, anatomies=maps)
    training_record = load_bundle(train(order, lambda done, text: None).bundle).metadata.training

    pool, held_out = (CasePool(tmp_path / "run" / name, dict) for name in ("cases", "held-out"))
    chosen = [AnatomyFolder(maps).name(seed) for seed in order.seeds]
    assert [pool.anatomy(pool.path(seed)) for seed in order.seeds] == chosen
    assert [held_out.anatomy(path) for path in held_out.ready()] == ["", ""]
    names = sorted({name for name in chosen if name})
    assert training_record["label_maps"] == {
        "names": ", ".join(names),
        "exams": sum(map(bool, chosen)),
        "source": "A data set, CC BY 4.0",
    }
    assert names
    assert str(training_record["data"]).endswith("; no CT of a patient")
    with pytest.raises(UsageError, match="is not of the patient"):
        train(replace(order, anatomies=None, restart=True), lambda done, text: None)


def test_a_folder_without_label_maps_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not hold label maps"):
        train(TrainingOrder("segmentation", tmp_path / "run", exams=1, anatomies=tmp_path), lambda *_: None)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("seed", "exams"), [(800, 3), (799, 1001), (900, 1)])
def test_held_out_exams_are_not_trained_on(tmp_path: Path, seed: int, exams: int) -> None:
    with pytest.raises(UsageError, match="held out"):
        train(TrainingOrder("segmentation", tmp_path / "out", exams=exams, seed=seed), lambda *_: None)
    assert not (tmp_path / "out").exists()


def test_nothing_to_train_on_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prepared exam to train on"):
        train(TrainingOrder("synthesis", tmp_path / "run", exams=0), lambda *_: None)


def test_the_bundle_has_the_name_that_was_asked_for(tmp_path: Path) -> None:
    path = run(tmp_path / "run", name="ours v2")
    assert (path.name, load_bundle(path).metadata.name) == ("ours v2.safetensors", "ours v2")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 3}, "seed was 0, is 3"),
        ({"learning_rate": 1e-4}, "learning rate was 0.001, is 0.0001"),
        ({"batch_size": 1}, "batch size was 2, is 1"),
        ({"exams": 0}, "exams was 2, is 0"),
        ({"steps": 1}, "steps was 2, is 1"),
        ({"start_from": "other.safetensors"}, "it started from new weights, not from first"),
    ],
)
def test_another_recipe_in_a_finished_folder_is_refused_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    """Else the bundle would claim what its weights do not show."""
    monkeypatch.chdir(tmp_path)
    first = run(tmp_path / "first", steps=2)
    (tmp_path / "other.safetensors").write_bytes(first.read_bytes())
    before = {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="holds another training.*" + words) as caught:
        run(tmp_path / "first", **{"steps": 2, **change})
    assert caught.value.action is Action.RESTART_TRAINING
    assert {path: path.read_bytes() for path in (tmp_path / "first").rglob("*") if path.is_file()} == before


def test_another_recipe_begins_anew_where_that_is_asked_for(tmp_path: Path) -> None:
    run(tmp_path / "run", steps=2, seed=0)
    anew = load_bundle(run(tmp_path / "run", steps=1, learning_rate=1e-4, restart=True))
    fresh = load_bundle(run(tmp_path / "fresh", steps=1, learning_rate=1e-4))
    for name, tensor in fresh.tensors.items():
        torch.testing.assert_close(anew.tensors[name], tensor, rtol=0, atol=0)
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["steps"] == [1]


def test_ctrl_c_keeps_the_training_and_says_so(tmp_path: Path) -> None:
    give_cases(tmp_path / "run", 0, 1)
    order = TrainingOrder("synthesis", tmp_path / "run", steps=3, exams=2)

    def stop(done: float, text: str) -> None:
        if text.startswith("step 2 "):
            raise Cancelled

    with pytest.raises(Cancelled, match="kept at step 2; the same command continues it"):
        train(order, stop)
    assert not list((tmp_path / "run").glob("*.safetensors"))
    told: list[str] = []
    assert train(order, lambda done, text: told.append(text)).bundle.exists()
    assert [text.split(",")[0] for text in told if text.startswith("step")] == ["step 3 of 3"]


def test_the_last_report_follows_the_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_cases(tmp_path / "run", 0, 1)
    told: list[float] = []
    at_evaluation: list[float] = []
    small = training._recipe

    def recipe(order: TrainingOrder) -> Recipe:
        def evaluate(pool: CasePool) -> dict[str, float]:
            at_evaluation.append(max(told, default=0.0))
            return {}

        return replace(small(order), evaluate=evaluate)

    monkeypatch.setattr(training, "_recipe", recipe)
    train(TrainingOrder("synthesis", tmp_path / "run", steps=1, exams=2), lambda done, text: told.append(done))
    assert max(at_evaluation) < 1.0
    assert told[-1] == 1.0


def test_the_learning_curve_has_the_loss_and_figures_of_held_out_exams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "VALIDATION_STEPS", 2)
    run(tmp_path / "run", steps=2)
    last = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))[-1]
    assert last["step"] == "2"
    assert float(last["held_out_cases"]) == 2.0
    assert 0 < float(last["held_out_loss"]) < 10


def test_cases_of_another_task_are_refused_before_work(tmp_path: Path) -> None:
    give_cases(tmp_path / "run", 0, 1)
    np.savez(tmp_path / "run" / "cases" / f"{FIRST_OF_COHORT}.npz", noncontrast_hu=np.zeros(3))
    with pytest.raises(UsageError, match="is not made for synthesis"):
        run(tmp_path / "run")
    assert not (tmp_path / "run" / "recipe.json").exists()
