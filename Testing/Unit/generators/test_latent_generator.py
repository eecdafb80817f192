from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from generator_walk import SHAPE, TINY, images

from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.generators.wgan_gp import WganGp


def test_a_slice_depends_on_its_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WganGp, "crop", SHAPE)
    generator = WganGp(TINY, WganGp.build(TINY))
    np.testing.assert_array_equal(images(generator, 1, seed=3), images(generator, 1, seed=3))
    assert not np.array_equal(images(generator, 1, seed=3), images(generator, 1, seed=4))


def test_a_configuration_has_a_level() -> None:
    with pytest.raises(ValidationError):
        LatentConfig(widths=())
