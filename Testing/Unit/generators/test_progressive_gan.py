from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import SHAPE, TINY, generator_walk

from NephroSynthLib.generators.progressive_gan import ProgressiveGan


def test_it_trains_and_generates_from_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProgressiveGan, "crop", SHAPE)
    generator_walk(ProgressiveGan(TINY, ProgressiveGan.build(TINY)), tmp_path, steps=4, share=None)


def test_a_new_one_makes_slices_of_the_size_of_its_crops() -> None:
    configuration = ProgressiveGan.untrained().configuration
    assert 4 * 2 ** (len(configuration.widths) - 1) == ProgressiveGan.crop[1] == ProgressiveGan.crop[2]
