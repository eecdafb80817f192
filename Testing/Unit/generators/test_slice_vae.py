from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import TINY, generator_walk, images

from NephroSynthLib.generators import slice_vae
from NephroSynthLib.generators.slice_vae import SliceVae


def test_it_learns_and_generates_from_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_vae, "DEPTH", 3)
    monkeypatch.setattr(SliceVae, "crop", (3, 16, 16))
    generator = SliceVae(TINY, SliceVae.build(TINY))
    restored = generator_walk(generator, tmp_path, steps=30, share=0.6, slices=3, shape=(3, 16, 16))
    np.testing.assert_allclose(images(restored, 2), images(restored, 3)[:2], atol=0.01)


def test_its_volumes_are_as_tall_as_its_crops() -> None:
    assert SliceVae.most_slices == SliceVae.crop[0]
