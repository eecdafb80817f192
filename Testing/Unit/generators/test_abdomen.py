from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import example

from NephroSynthLib.generators.abdomen import AbdomenGenerator, message
from NephroSynthLib.imaging.full_range import from_full_range


def test_it_learns_from_the_nephrographic_phase_alone() -> None:
    one = example()
    sample = AbdomenGenerator.sample_of(one)
    assert set(sample) == {"image"}
    np.testing.assert_allclose(from_full_range(sample["image"][0]), one.nephrographic, atol=1e-2)


def test_the_message_names_the_device() -> None:
    assert message(torch.device("cpu")).startswith("Generating (CPU")
