"""The choice of an engine."""

from __future__ import annotations

import importlib.util

import pytest

from NephroSynthLib.engines.engine import Resources
from NephroSynthLib.engines.engine_choice import engine_of
from NephroSynthLib.engines.local_engine import LocalEngine
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
