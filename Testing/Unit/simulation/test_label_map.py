from __future__ import annotations

import numpy as np

from NephroSynthLib.simulation.label_map import LabelMap, vary


def test_points_of_a_class_are_the_centres_of_its_voxels(toy_label_map: LabelMap) -> None:
    expected = toy_label_map.grid.to_points(np.argwhere(toy_label_map.mask(["kidney_left"])))
    assert np.allclose(toy_label_map.points("kidney_left"), expected)
    assert toy_label_map.points("skull").shape == (0, 3)


def test_the_mirror_image_negates_x_and_exchanges_the_sides(toy_label_map: LabelMap) -> None:
    mirrored = toy_label_map.mirrored()
    right = toy_label_map.points("kidney_right")
    assert np.allclose(sorted(mirrored.points("kidney_left")[:, 0]), sorted(-right[:, 0]))
    assert mirrored.points("liver")[:, 0].mean() > 0 > toy_label_map.points("liver")[:, 0].mean()
    assert np.array_equal(mirrored.mirrored().labels, toy_label_map.labels)


def test_scaling_and_moving_carry_points_with_them(toy_label_map: LabelMap) -> None:
    factors, origin = np.array([0.9, 1.1, 1.2]), np.array([10.0, -20.0, 30.0])
    changed = toy_label_map.scaled(factors).moved(origin)
    assert np.allclose(changed.points("spleen"), toy_label_map.points("spleen") * factors - origin)


def test_patients_are_varied_by_at_most_a_fifth_and_sometimes_mirrored(toy_label_map: LabelMap) -> None:
    rng = np.random.default_rng(0)
    varied = [vary(rng, toy_label_map) for _ in range(60)]
    factors = np.array([v.grid.spacing for v in varied]) / 3.0
    assert factors.min() >= 0.85
    assert factors.max() <= 1.18
    assert factors.std(axis=0).min() > 0.03
    assert 1 <= sum(v.classes != toy_label_map.classes for v in varied) <= 25
