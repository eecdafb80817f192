from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_patient import MappedPatient, map_patient


def test_kidneys_are_measured_where_the_map_shows_them(mapped_patient: MappedPatient) -> None:
    for side, name in ((0, "kidney_right"), (1, "kidney_left")):
        plan = mapped_patient.habitus.kidney(side)
        points = mapped_patient.label_map.points(name)
        assert plan is not None
        assert np.linalg.norm(plan.centre - points.mean(axis=0)) < 8
        assert plan.half[2] == pytest.approx(np.ptp(points[:, 2]) / 2, abs=4)
        assert plan.half[0] < plan.half[1] < plan.half[2]
        assert plan.rotation[2, 2] > 0.95
        assert plan.rotation[:, 1] @ [0.79 * plan.outward, 0.62, 0.0] > 0.5
        assert np.allclose(plan.rotation.T @ plan.rotation, np.eye(3))


def test_the_origin_is_at_the_height_of_the_kidneys_before_the_spine(mapped_patient: MappedPatient) -> None:
    kidneys = mapped_patient.label_map.points("kidney_right", "kidney_left")
    assert abs(kidneys[:, 2].mean()) < 1
    spine = mapped_patient.label_map.points("vertebrae_L1", "vertebrae_L2")
    assert abs(spine[:, 0].mean()) < 3
    assert mapped_patient.habitus.spine_y == pytest.approx(spine[:, 1].mean(), abs=4)
    assert mapped_patient.habitus.vertebra == pytest.approx((22, 17), rel=0.2)


def test_outlines_enclose_each_other(mapped_patient: MappedPatient) -> None:
    inner, middle, outer = (s.at(0.0) for s in (mapped_patient.cavity, mapped_patient.muscle, mapped_patient.body))
    assert (middle - inner >= 5).all()
    assert (outer > middle).all()
    assert min(mapped_patient.habitus.fat) > 0


def test_a_kidney_at_the_end_of_the_map_is_drawn_whole(toy_label_map: LabelMap) -> None:
    middle = int(np.argwhere(toy_label_map.mask(["kidney_left"]))[:, 0].mean())
    grid = toy_label_map.grid
    cut = replace(
        toy_label_map, labels=toy_label_map.labels[:middle], grid=replace(grid, shape=(middle, *grid.shape[1:]))
    )
    for seed in range(5):
        patient = map_patient(np.random.default_rng(seed), cut)
        assert not patient.traced
        assert all(plan.half[2] >= 0.8 * 50 for plan in patient.habitus.kidneys)


def test_a_map_without_kidneys_is_refused(toy_label_map: LabelMap) -> None:
    other = {name: value for name, value in toy_label_map.classes.items() if not name.startswith("kidney")}
    with pytest.raises(ValueError, match="kidney"):
        map_patient(np.random.default_rng(0), LabelMap(toy_label_map.labels, other, toy_label_map.grid))
