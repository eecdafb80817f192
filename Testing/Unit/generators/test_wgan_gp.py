from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import SHAPE, TINY, generator_walk

from NephroSynthLib.generators.wgan_gp import WganGp


def test_it_trains_and_generates_from_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WganGp, "crop", SHAPE)
    generator_walk(WganGp(TINY, WganGp.build(TINY)), tmp_path, steps=4, share=None)


def test_a_new_one_makes_slices_of_the_size_of_its_crops() -> None:
    configuration = WganGp.untrained().configuration
    assert 4 * 2 ** (len(configuration.widths) - 1) == WganGp.crop[1] == WganGp.crop[2]
