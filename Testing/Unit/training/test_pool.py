from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from NephroSynthLib.errors import Action, Cancelled, ResourceError, UnreadableInputError, UsageError
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


def give(pool: CasePool, seed: int, **arrays: float) -> Path:
    np.savez(pool.path(seed), **{name: np.full(50, value) for name, value in arrays.items()})
    return pool.path(seed)


@pytest.mark.parametrize("keep", [0, 30, 200])
def test_a_case_that_is_cut_short_is_named(pool: CasePool, keep: int) -> None:
    path = give(pool, 7, level=0.5)
    path.write_bytes(path.read_bytes()[:keep])
    for read in (lambda: pool.load(path), lambda: pool.check(["level"], "synthesis")):
        with pytest.raises(UnreadableInputError, match=r"000007\.npz is damaged or cut short") as caught:
            read()
        assert caught.value.action is Action.REMOVE_CASE


def test_a_flipped_bit_in_a_case_is_found_when_it_is_read(pool: CasePool) -> None:
    path = give(pool, 7, level=0.5)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableInputError, match=r"000007\.npz"):
        pool.load(path)


def test_a_case_of_another_task_is_named(pool: CasePool) -> None:
    give(pool, 1, level=0.5)
    pool.check(["level", "other"], "synthesis")
    give(pool, 2, other=0.5)
    with pytest.raises(UsageError, match=r"000002\.npz is not made for synthesis"):
        pool.check(["level"], "synthesis")


def test_a_part_of_a_pool_tells_which_case_it_reads(pool: CasePool) -> None:
    paths = [give(pool, seed, level=seed) for seed in range(4)]
    told: list[int] = []
    part = pool.part(paths[1:3], told.append)
    assert [part.load(path)["level"][0] for path in part.ready()] == [1, 2]
    assert told == [0, 1]


def test_a_wait_can_be_cancelled(pool: CasePool) -> None:
    def stop(ready: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pool.wait_for(1, stop)
