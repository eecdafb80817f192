from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from NephroSynthLib.networks.patch_nce import PatchHeads, patch_nce, random_places


def test_the_loss_is_that_of_a_direct_computation() -> None:
    torch.manual_seed(0)
    queries, keys = (F.normalize(torch.randn(2, 5, 7), dim=2) for _ in range(2))
    total = 0.0
    for image in range(2):
        for place in range(5):
            scores = [math.exp(float(queries[image, place] @ keys[image, other]) / 0.2) for other in range(5)]
            total -= math.log(scores[place] / sum(scores))
    assert float(patch_nce(queries, keys, temperature=0.2)) == pytest.approx(total / 10, rel=1e-5)


def test_keys_are_constants() -> None:
    queries, keys = torch.randn(1, 3, 4, requires_grad=True), torch.randn(1, 3, 4, requires_grad=True)
    patch_nce(queries, keys).backward()
    assert queries.grad is not None
    assert keys.grad is None


def test_heads_give_unit_vectors_of_the_same_places_of_each_level() -> None:
    torch.manual_seed(0)
    levels = [torch.randn(2, 4, 1, 6, 6), torch.randn(2, 8, 1, 3, 3)]
    places = random_places(levels, 20)
    assert [len(where.unique()) for where in places] == [20, 9]
    heads = PatchHeads([4, 8], outputs=5)
    vectors = heads(levels, places)
    assert [tuple(one.shape) for one in vectors] == [(2, 20, 5), (2, 9, 5)]
    torch.testing.assert_close(vectors[0].norm(dim=2), torch.ones(2, 20))
    chosen = places[0][3]
    alone = F.normalize(heads.heads[0](levels[0].flatten(2)[1, :, chosen]), dim=0)
    torch.testing.assert_close(vectors[0][1, 3], alone)
