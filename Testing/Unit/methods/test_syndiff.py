from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import translate, walk

from NephroSynthLib.methods.syndiff import SynDiff


def test_it_learns_and_comes_back_from_its_bundle(tmp_path: Path) -> None:
    method = walk(SynDiff, tmp_path, steps=32, share=0.99, shape=(2, 32, 32))
    np.testing.assert_array_equal(translate(method, steps=2), translate(method, steps=9))  # it knows four steps only
