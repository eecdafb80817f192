from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from small_trainings import Regression, fit, plan

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.training import processes

pytestmark = pytest.mark.system("processes")

TESTING = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two processes that trained together."""
    folder = tmp_path_factory.mktemp("together")
    script = TESTING / "training_in_processes.py"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*torchrun, script, folder], env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_two_processes_learn_as_one_does_from_the_same_crops(trained: Path, tmp_path: Path) -> None:
    alone = fit(Regression(), plan(6), tmp_path).line.state_dict()
    for rank in (0, 1):
        together = torch.load(trained / f"line-{rank}.pt", weights_only=True)
        assert all(torch.allclose(together[name], alone[name], atol=1e-6) for name in alone)


def test_the_learning_curve_holds_the_mean_loss_of_all_processes(trained: Path, tmp_path: Path) -> None:
    fit(Regression(), plan(3), tmp_path)
    # The curve of both trainings ends with the mean loss of the steps four to six.
    fit(Regression(), plan(6), tmp_path)
    assert losses(trained)[-1] == pytest.approx(losses(tmp_path)[-1], rel=1e-5)


def test_the_processes_write_one_bundle(trained: Path) -> None:
    bundle = load_bundle(trained / "run" / "run.safetensors")
    assert bundle.metadata.results == {"held_out": "1 simulated exam, seed 800000", "cases": 1.0}
    assert [path.name for path in (trained / "run").glob("*.safetensors")] == ["run.safetensors"]


def test_a_process_alone_needs_no_others() -> None:
    assert (processes.count(), processes.rank(), processes.is_first()) == (1, 0, True)
    assert processes.share(3) == 3
    with processes.together(torch.device("cpu")):
        assert not torch.distributed.is_initialized()


@pytest.fixture
def one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("one_of_two")
def test_crops_that_cannot_be_shared_evenly_are_refused() -> None:
    assert processes.share(4) == 2
    with pytest.raises(UsageError, match="2 processes cannot share the 3 crops") as refusal:
        processes.share(3)
    assert refusal.value.action is Action.CHOOSE_BATCH_SIZE


@pytest.mark.usefixtures("one_of_two")
def test_one_gpu_among_several_is_refused() -> None:
    with (
        pytest.raises(UsageError, match="cannot train on the one device cuda:1"),
        processes.together(torch.device("cuda", 1)),
    ):
        pass
