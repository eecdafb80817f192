from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from method_walk import CONTRAST, bundled, example, translate, walk

from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.errors import ModelError
from NephroSynthLib.methods.ascii import UNIT_HU, Ascii2, Ascii3, with_slices_before
from NephroSynthLib.methods.method import Case


@pytest.mark.parametrize("kind", [Ascii2, Ascii3])
def test_it_learns_and_comes_back_from_its_bundle(kind: type[Ascii2], tmp_path: Path) -> None:
    method = walk(kind, tmp_path, steps=12, share=0.97)
    assert (method.configuration.sigma_min, method.configuration.sigma_max) == (0.001, 1348.0)
    assert not np.array_equal(translate(method, seed=1), translate(method, seed=2))


def test_a_network_for_another_number_of_slices_is_refused(tmp_path: Path) -> None:
    bundle = bundled(Ascii2.untrained(), tmp_path, "synthesis")
    with pytest.raises(ModelError, match="takes other inputs than its method 'ascii-2'"):
        Ascii3.restore(bundle, "cpu")


def test_slices_go_from_head_to_foot_and_begin_with_air() -> None:
    volume = np.arange(4, dtype=np.float32)[:, None, None]  # 3 is the head
    channels = with_slices_before(volume, 3)[..., 0, 0] * UNIT_HU
    np.testing.assert_allclose(channels, [[-1024, -1024, 3, 2], [-1024, 3, 2, 1], [3, 2, 1, 0]], atol=1e-4)


def test_the_noise_in_hu_is_that_of_the_paper() -> None:
    process = Ascii2.untrained().denoiser.process
    assert isinstance(process, VarianceExploding)
    assert process.sigma_min * UNIT_HU == pytest.approx(0.001 * 2047.5)  # 12 bits fill [-1, 1], section 3.2
    assert process.end * UNIT_HU == pytest.approx(1348 * 2047.5)


def test_a_slice_depends_on_those_above_it_and_not_on_those_below() -> None:
    torch.manual_seed(0)
    method = Ascii2.untrained()
    for parameter in method.network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    method.network.eval()
    case = example(shape=(3, 16, 16)).case
    whole = translate(method, case=case)
    for changed, same in ((0, [False, True, True]), (2, [False, False])):
        excretory = case.excretory.copy()
        excretory[changed] += 500
        other = translate(method, case=Case(case.noncontrast, excretory, case.spacing, CONTRAST))
        found = [np.array_equal(whole[z], other[z]) for z in range(3)]
        assert found[-len(same) :] == same
