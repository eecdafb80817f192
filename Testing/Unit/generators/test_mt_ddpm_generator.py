from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import generator_walk

from NephroSynthLib.generators.mt_ddpm_generator import MtDdpmGenerator
from NephroSynthLib.methods.mt_ddpm import MtDdpm


def test_it_learns_and_generates_from_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MtDdpmGenerator, "crop", (2, 16, 16))
    generator_walk(MtDdpmGenerator.untrained(), tmp_path, steps=6, share=0.97, shape=(2, 16, 16))


def test_it_is_the_method_without_the_phases() -> None:
    own, method = MtDdpmGenerator.default, MtDdpm.default
    assert own.diffusion == method.diffusion
    assert replace(own.network, condition_channels=4, context_features=10) == method.network
