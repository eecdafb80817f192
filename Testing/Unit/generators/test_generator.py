from __future__ import annotations

import inspect

import pytest

from NephroSynthLib.generators.generator import Generator
from NephroSynthLib.generators.roster import GENERATORS, generator_class

LONGEST = 250


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_offers_the_interface(name: str) -> None:
    kind = generator_class(name)
    assert kind.name == name
    assert "doi 10." in kind.title or "arXiv" in kind.title
    methods = [name for name, value in vars(Generator).items() if callable(value) and not name.startswith("_")]
    assert {"generate"} <= set(methods)
    for method in (*methods, "untrained", "restore", "sample_of", "training_module"):
        assert callable(getattr(kind, method))
    assert kind.most_slices is None or kind.most_slices >= 1
    assert len(inspect.getsource(inspect.getmodule(kind)).splitlines()) <= LONGEST  # type: ignore[arg-type]
