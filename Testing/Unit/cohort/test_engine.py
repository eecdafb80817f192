"""The choice of an engine."""

from __future__ import annotations

import importlib.util

import pytest

from NephroSynthLib.cohort.engine import Resources, engine_of, thread_limits
from NephroSynthLib.cohort.local_engine import LocalEngine
from NephroSynthLib.errors import Action, UsageError


def test_the_local_engine_takes_no_options_of_a_cluster() -> None:
    assert engine_of("local", Resources(3)) == LocalEngine(3)
    for resources in (Resources(address="auto"), Resources(gpus_per_exam=0.5)):
        with pytest.raises(UsageError, match="only the engine 'ray'"):
            engine_of("local", resources)


def test_a_missing_ray_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        engine_of("ray", Resources())
    assert refused.value.action is Action.INSTALL_RAY


def test_a_limit_of_threads_that_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", raising=False)
    assert thread_limits(2) == {"OMP_NUM_THREADS": "7", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "2"}
