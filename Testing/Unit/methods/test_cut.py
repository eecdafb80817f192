from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import walk

from NephroSynthLib.methods.cut import Cut


def test_it_learns_and_comes_back_from_its_bundle(tmp_path: Path) -> None:
    walk(Cut, tmp_path, steps=16, share=0.99, shape=(2, 32, 32))
