from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import walk

from NephroSynthLib.methods.pix2pix import Pix2Pix2D, Pix2Pix3D


@pytest.mark.parametrize(("kind", "shape"), [(Pix2Pix2D, (2, 32, 32)), (Pix2Pix3D, (16, 24, 24))])
def test_it_learns_and_comes_back_from_its_bundle(
    kind: type[Pix2Pix2D], shape: tuple[int, int, int], tmp_path: Path
) -> None:
    walk(kind, tmp_path, steps=16, share=0.99, shape=shape)
