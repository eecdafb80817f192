from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from NephroSynthLib.errors import ModelError
from NephroSynthLib.evaluation.frechet import extract_features, frechet_distance
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures, feature_network, perceptual_distance


@pytest.fixture(scope="module")
def network() -> SegmenterFeatures:
    return SegmenterFeatures()


def test_slices_become_192_numbers_that_tell_sharp_from_blurred(network: SegmenterFeatures) -> None:
    rng = np.random.default_rng(0)
    sharp = [rng.normal(50, 60, (1, 16, 16)) for _ in range(24)]
    others = [rng.normal(50, 60, (1, 16, 16)) for _ in range(24)]
    blurred = [np.full((1, 16, 16), 50.0) + rng.normal(0, 5, (1, 16, 16)) for _ in range(24)]
    features = [extract_features(images, network) for images in (sharp, others, blurred)]
    assert features[0].shape == (24, 192)
    assert frechet_distance(features[0], features[2]) > 2 * frechet_distance(features[0], features[1])


def test_the_perceptual_distance_is_that_of_unit_features(network: SegmenterFeatures) -> None:
    torch.manual_seed(0)
    first, second = torch.rand(2, 2, 1, 1, 16, 16) * 2 - 1
    wanted = torch.zeros(2)
    for a, b in zip(network.levels(first), network.levels(second), strict=True):
        places = torch.tensor(a.shape[2:]).prod()
        for image in range(2):
            cosine = F.cosine_similarity(a[image], b[image], dim=0)
            wanted[image] += (2 - 2 * cosine).sum() / places  # |u - v|^2 = 2 - 2 u v
    torch.testing.assert_close(perceptual_distance(first, second, network), wanted, atol=1e-4, rtol=1e-4)
    assert perceptual_distance(first, first, network).abs().max() == 0


def test_another_network_may_come_from_a_file(tmp_path: Path) -> None:
    class Mean(torch.nn.Module):
        def forward(self, volumes: torch.Tensor) -> torch.Tensor:
            return volumes.flatten(1).mean(1, keepdim=True)

    torch.jit.script(Mean()).save(str(tmp_path / "mean.pt"))
    volumes = torch.rand(3, 1, 1, 4, 4)
    found = feature_network(tmp_path / "mean.pt")(volumes)
    torch.testing.assert_close(found, volumes.flatten(1).mean(1, keepdim=True))
    (tmp_path / "broken.pt").write_bytes(b"none")
    with pytest.raises(ModelError, match="no TorchScript file"):
        feature_network(tmp_path / "broken.pt")
