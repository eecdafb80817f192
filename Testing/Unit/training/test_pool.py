from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from NephroSynthLib.errors import ResourceError
from NephroSynthLib.training import pool as pools
from NephroSynthLib.training.pool import CasePool, check_processes

MODULE = """
import numpy as np

def make_case(seed):
    if seed == 13:
        raise ValueError("no exam 13")
    return {"seed": np.array([seed])}
"""


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CasePool:
    (tmp_path / "made_for_pool_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return CasePool(tmp_path / "pool", importlib.import_module("made_for_pool_test").make_case)


@pytest.mark.system("processes")
def test_missing_cases_are_prepared_and_others_left_alone(pool: CasePool) -> None:
    np.savez(pool.path(1), seed=np.array([-1]))

    with pool.filling(range(3)):
        pool.wait_for(3, poll_s=0.05, timeout_s=60)

    assert [path.name for path in pool.ready()] == ["000000.npz", "000001.npz", "000002.npz"]
    assert [int(pool.load(path)["seed"][0]) for path in pool.ready()] == [0, -1, 2]


@pytest.mark.system("processes")
def test_a_case_that_cannot_be_made_ends_the_wait_with_its_error(pool: CasePool) -> None:
    with pytest.raises(ValueError, match="no exam 13"), pool.filling([13]):
        pool.wait_for(1, poll_s=0.05, timeout_s=60)
    assert not list(pool.folder.iterdir())


def test_cases_that_nobody_prepares_are_not_waited_for_without_end(pool: CasePool) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        pool.wait_for(1, poll_s=0.01, timeout_s=0.05)


def test_a_system_without_shared_locks_is_told_before_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLocks:
        def Lock(self) -> None:  # noqa: N802 - the name that multiprocessing uses
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pools, "get_context", lambda method: NoLocks())
    with pytest.raises(ResourceError, match="share a lock"):
        check_processes()
