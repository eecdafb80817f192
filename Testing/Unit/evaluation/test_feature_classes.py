from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from NephroSynthLib.evaluation.feature_classes import FeatureClasses
from NephroSynthLib.evaluation.set_distances import inception_score


def _groups(count: int, each: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(20 * k, 1, (each, 3)) for k in range(count)])


def test_the_score_of_clear_groups_is_their_number() -> None:
    features = _groups(4)
    found = FeatureClasses(features, classes=4).probabilities(features)
    assert inception_score(found) == pytest.approx(4, rel=1e-3)
    assert inception_score(found[:20]) == pytest.approx(1, rel=1e-3)  # images of one group alone


def test_the_probabilities_are_those_of_gaussians() -> None:
    features = np.concatenate([np.random.default_rng(0).normal(3 * k, 1, (40, 2)) for k in range(2)])
    classes = FeatureClasses(features, classes=2)
    point = np.array([[1.4, 1.6]])
    sd = classes.variance**0.5
    wanted = [
        share * stats.norm.pdf(point[0], mean, sd).prod()
        for share, mean in zip(classes.shares, classes.means, strict=True)
    ]
    np.testing.assert_allclose(classes.probabilities(point)[0], np.array(wanted) / sum(wanted), rtol=1e-6)
    assert classes.variance == pytest.approx(1, rel=0.3)


def test_few_images_have_few_classes() -> None:
    assert FeatureClasses(_groups(1, each=3)).probabilities(_groups(1, each=2)).shape == (2, 1)
