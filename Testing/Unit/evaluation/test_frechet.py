from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.evaluation.frechet import TextureFeatures, extract_features, frechet_distance, patches


def exact_sample(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Features whose sample mean and covariance are exactly the given ones."""
    raw = np.random.default_rng(seed).normal(size=(count, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_diagonal_gaussians_give_the_closed_form() -> None:
    first = exact_sample(np.array([0.0, 1.0, 2.0]), np.diag([1.0, 4.0, 9.0]), 50, 0)
    second = exact_sample(np.array([1.0, 1.0, 0.0]), np.diag([4.0, 1.0, 16.0]), 60, 1)
    assert frechet_distance(first, second) == pytest.approx((1 + 0 + 4) + (1 + 1 + 1), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_general_gaussians_agree_with_the_matrix_square_root(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covariances = [a @ a.T + 0.1 * np.eye(5) for a in rng.normal(size=(2, 5, 5))]
    means = rng.normal(size=(2, 5))
    samples = [exact_sample(m, c, 40, seed + i) for i, (m, c) in enumerate(zip(means, covariances, strict=True))]
    root = np.real(scipy.linalg.sqrtm(covariances[0] @ covariances[1]))
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(*samples) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert frechet_distance(*samples) == pytest.approx(frechet_distance(*samples[::-1]), rel=1e-6, abs=1e-8)


def test_singular_covariances_stay_finite_and_equal_sets_are_at_zero() -> None:
    features = np.random.default_rng(0).normal(size=(6, 40))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(features, features + 1) == pytest.approx(40, rel=1e-6)


@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_tables_that_do_not_fit_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(GeometryError, match="Fréchet"):
        frechet_distance(np.zeros(shapes[0]), np.zeros(shapes[1]))


@pytest.mark.parametrize("size", [(8, 32, 32), (1, 32, 32), (2, 3, 1)])
def test_texture_features_are_finite_for_any_size(size: tuple[int, int, int]) -> None:
    features = TextureFeatures()(torch.rand(4, 1, *size) * 2 - 1)
    assert features.shape == (4, 25)
    assert torch.isfinite(features).all()


def test_the_histogram_bins_share_all_of_the_volume() -> None:
    features = TextureFeatures()(torch.rand(3, 1, 6, 6, 6) * 2 - 1)
    torch.testing.assert_close(features[:, :7].sum(dim=1), torch.ones(3))


def test_a_ramp_has_its_slope_as_gradient_and_no_laplacian_inside() -> None:
    ramp = torch.linspace(-1, 1, 101)[None, None, None, None].expand(1, 1, 5, 101, 101)
    mean, _, in_plane, _, through, laplacian = TextureFeatures()(ramp)[0, 7:13]
    assert float(mean) == pytest.approx(0, abs=1e-6)
    assert float(in_plane) == pytest.approx(0.02, rel=0.02)
    assert float(through) == 0
    assert float(laplacian) < 0.01


def test_blur_and_contrast_loss_are_further_away_than_another_sample_of_the_same() -> None:
    rng = np.random.default_rng(0)
    same, other = (rng.normal(60, 40, (30, 8, 16, 16)).astype(np.float32) for _ in "ab")
    blurred = (other[..., 1:] + other[..., :-1]) / 2
    network = TextureFeatures()
    truth = extract_features(list(same), network)
    near = frechet_distance(truth, extract_features(list(other), network))
    far = frechet_distance(truth, extract_features(list(blurred), network))
    assert far > 5 * near


def test_any_callable_serves_as_feature_network() -> None:
    module = torch.nn.Sequential(torch.nn.Conv3d(1, 3, 3), torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten())
    features = extract_features([np.zeros((8, 8, 8), np.float32)] * 5, module, batch=2)
    assert features.shape == (5, 3)


def test_patches_tile_the_volume_and_keep_to_the_mask() -> None:
    volume = np.arange(8 * 8 * 8, dtype=np.float32).reshape(8, 8, 8)
    tiles = patches(volume, (4, 4, 4), (4, 4, 4))
    assert sorted(np.concatenate([tile.ravel() for tile in tiles])) == list(volume.ravel())
    mask = np.zeros(volume.shape, bool)
    mask[2, 2, 2] = True
    (only,) = patches(volume, (4, 4, 4), (1, 1, 1), mask)
    np.testing.assert_array_equal(only, volume[:4, :4, :4])
