from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

from NephroSynthLib.methods.dssnict import DsSnict
from NephroSynthLib.methods.kinetic import Kinetic
from NephroSynthLib.methods.method import Case, Contrast, Method, TrainableMethod, TrainingPlan


def _members(protocol: type) -> set[str]:
    named = {name for name in vars(protocol) if not name.startswith("_")}
    return named | set(inspect.get_annotations(protocol))


@pytest.mark.parametrize(
    ("method", "protocols"), [(DsSnict, (Method, TrainableMethod)), (Kinetic, (Method,))], ids=["dssnict", "kinetic"]
)
def test_a_method_offers_all_that_the_shared_code_calls(method: type, protocols: tuple[type, ...]) -> None:
    instance = method.__new__(method)
    wanted = set().union(*(_members(protocol) for protocol in protocols))
    known = set(dir(method)) | ({"configuration"} if method is DsSnict else set())
    assert wanted - known == set()
    assert isinstance(instance, method)


def test_a_case_cannot_be_changed() -> None:
    water = np.zeros((2, 3, 4), np.float32)
    case = Case(water, water, (1.0, 1.0, 2.0), Contrast(np.zeros(5), np.zeros(5)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.spacing = (2.0, 2.0, 2.0)  # type: ignore[misc]
    assert dataclasses.replace(TrainingPlan(5), seed=3).steps == 5
