from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import generator_walk, images
from method_walk import example

from NephroSynthLib.generators.ascii_generator import Ascii2Generator, Ascii3Generator
from NephroSynthLib.methods.ascii import Ascii2

SHAPE = (3, 16, 16)


@pytest.mark.parametrize("kind", [Ascii2Generator, Ascii3Generator])
def test_it_learns_and_generates_from_its_bundle(
    kind: type[Ascii2Generator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "crop", SHAPE)
    generator_walk(kind.untrained(), tmp_path, steps=10, share=0.99, slices=3, shape=SHAPE)


def test_a_taller_volume_begins_with_the_same_slices_at_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ascii2Generator, "crop", SHAPE)
    torch.manual_seed(0)
    generator = Ascii2Generator.untrained()
    for parameter in generator.network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    generator.network.eval()
    np.testing.assert_array_equal(images(generator, 3)[-2:], images(generator, 2))


def test_it_is_the_method_without_the_phases() -> None:
    own, method = Ascii2Generator.untrained(), Ascii2.untrained()
    assert own.configuration.sigma_max == method.configuration.sigma_max == 1348
    assert own.configuration.network.channels == method.configuration.network.channels
    assert set(own.sample_of(example())) == {"image"}
    np.testing.assert_array_equal(own.sample_of(example())["image"], method.sample_of(example())["image"])
