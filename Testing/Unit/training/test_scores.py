from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from NephroSynthLib.evaluation.feature_classes import FeatureClasses
from NephroSynthLib.evaluation.frechet import frechet_distance
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures
from NephroSynthLib.evaluation.set_distances import diversity_difference, inception_score, nearest_ssim
from NephroSynthLib.training.scores import (
    axial_figures,
    exam_figures,
    mean_over_exams,
    organ_correlations,
    organ_figures,
    set_figures,
    set_part,
)


@pytest.fixture(scope="module")
def network() -> SegmenterFeatures:
    return SegmenterFeatures()


def test_the_figures_of_an_exam_are_those_of_a_known_error(network: SegmenterFeatures) -> None:
    truth = np.random.default_rng(0).normal(60, 20, (4, 16, 16)).clip(-100, 200).astype(np.float32)
    kidneys = np.zeros(truth.shape, bool)
    kidneys[:, 4:12, 4:12] = True
    figures = exam_figures(truth + 10 * kidneys, truth, kidneys, network)
    assert figures["psnr_db"] == pytest.approx(10 * np.log10(400**2 / (100 * kidneys.mean())), abs=1e-3)
    assert figures["kidney_mae_hu"] == pytest.approx(10, abs=1e-3)
    assert figures["kidney_offset_hu"] == pytest.approx(10, abs=1e-3)
    assert figures["perceptual"] is not None
    assert figures["perceptual"] > 0
    assert figures["ms_ssim"] is None  # the slices are too small


def test_the_set_is_compared_over_the_slices_of_all_exams(network: SegmenterFeatures) -> None:
    volumes = np.random.default_rng(0).normal(60, 60, (2, 4, 8, 8)).astype(np.float32)
    parts = [set_part(volume, network) for volume in volumes]
    assert {name: len(values) for name, values in parts[0].features.items()} == {
        "fid_ax": 4,
        "fid_cor": 8,
        "fid_sag": 8,
    }
    assert [one.shape for one in parts[0].slices] == [(1, 8, 8)] * 2
    found = set_figures(parts[:1], parts[1:])
    features = [part.features["fid_cor"] for part in parts]
    assert found["fid_cor"] == pytest.approx(frechet_distance(*features))
    assert found["fds"] is None  # two slices of each are too few
    assert set_figures(parts, parts)["fid_ax"] == pytest.approx(0, abs=1e-2)


def test_a_tall_volume_adds_some_slices_of_all_its_height() -> None:
    ramp = np.repeat(np.linspace(-100, 200, 90, dtype=np.float32), 12).reshape(90, 3, 4)

    def mean(volumes: torch.Tensor) -> torch.Tensor:
        return volumes.mean(dim=(2, 3, 4))

    found = set_part(ramp, mean).features
    assert {name: len(values) for name, values in found.items()} == {"fid_ax": 32, "fid_cor": 3, "fid_sag": 4}
    np.testing.assert_allclose(found["fid_ax"][[0, -1], 0], [-0.75, 0.75], atol=1e-6)  # its ends in the window


def test_sets_of_slices_have_the_figures_of_the_papers() -> None:
    rng = np.random.default_rng(0)
    real = [rng.normal(60, 30, (1, 20, 24)).astype(np.float32) for _ in range(12)]
    features = np.concatenate([rng.normal(9 * k, 1, (6, 3)) for k in range(2)])
    same = axial_figures(features, features, real, real)
    score = inception_score(FeatureClasses(features).probabilities(features))
    assert same["inception_score"] == pytest.approx(score)
    assert same["ds"] == pytest.approx(0, abs=1e-9)
    assert same["fds"] is not None
    alike = [real[0] + rng.normal(0, 1, real[0].shape).astype(np.float32) for _ in range(12)]
    collapsed = axial_figures(features[:6], features, [one[:, 2:] for one in alike], real)
    assert collapsed["inception_score"] < 0.8 * score  # one kind of slice alone
    assert collapsed["ds"] > 1  # and each like the next
    wanted = diversity_difference(
        nearest_ssim([one[:, 1:19] for one in real]), nearest_ssim([one[:, 2:] for one in alike])
    )
    assert collapsed["ds"] == pytest.approx(wanted)


def test_a_mean_has_an_interval_and_a_paired_test() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(20, 2, 12)
    others = values + rng.normal(1, 0.2, 12)
    mean = mean_over_exams(values.tolist(), others.tolist())
    assert mean is not None
    assert mean.value == pytest.approx(values.mean())
    half = 1.96 * values.std(ddof=1) / 12**0.5
    assert (mean.high - mean.low) / 2 == pytest.approx(half, rel=0.15)
    assert mean.p == pytest.approx(stats.wilcoxon(values, others).pvalue)
    for few, same in (([1.0, 2.0], [2.0, 3.0]), ([3.0] * 7, [3.0] * 7)):
        untested = mean_over_exams(few, same)
        assert untested is not None
        assert untested.p is None


def test_an_exam_without_a_figure_counts_neither_in_its_mean_nor_in_its_test() -> None:
    values, others = np.random.default_rng(0).normal(20, 2, (2, 9)).tolist()
    mean = mean_over_exams([*values, None, 5.0], [*others, 4.0, None])
    assert mean is not None
    assert (mean.value, mean.exams) == (pytest.approx(np.mean([*values, 5.0])), 10)
    assert mean.p == pytest.approx(stats.wilcoxon(values, others).pvalue)
    assert mean_over_exams([None, None], None) is None


def test_the_hu_of_organs_are_compared_exam_by_exam() -> None:
    organs = {"left kidney": np.array([[[True, True, False]]]), "none": np.zeros((1, 1, 3), bool)}
    exams = []
    for level in (100.0, 120.0, 150.0):
        truth = np.array([[[level, level + 2, 0]]], np.float32)
        exams.append(organ_figures(truth * 2, truth, organs))
    assert exams[0] == {"left_kidney_hu": 202.0, "left_kidney_error_hu": 101.0}
    found = organ_correlations(exams, list(organs))
    assert found == {"left_kidney_hu_correlation": pytest.approx(1)}
    assert organ_correlations(exams[:2], list(organs)) == {}
