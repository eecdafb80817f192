from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import GeometryError
from NephroSynthLib.evaluation import evaluate


def leaves(tree: object) -> list[object]:
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    return [tree]


def test_figures_around_and_inside_the_kidneys(drawn: SimpleNamespace) -> None:
    kidneys = sitk.GetArrayFromImage(drawn.kidneys) > 0
    spoiled = sitk.GetArrayFromImage(drawn.nephrographic)
    spoiled[kidneys] += 12
    synthetic = sitk.GetImageFromArray(spoiled)
    synthetic.CopyInformation(drawn.nephrographic)
    found = evaluate(synthetic, drawn.nephrographic, drawn.kidneys)
    assert found.region == "around kidneys"
    assert found.inside.hu.mae_hu == pytest.approx(12, abs=1e-3)
    assert found.inside.hu.voxels == kidneys.sum()
    assert found.around.hu.mae_hu == pytest.approx(12 * kidneys.sum() / found.around.hu.voxels, abs=1e-3)
    assert found.covered == 1


def test_a_brief_comparison_has_the_same_figures_without_the_costly_ones(drawn: SimpleNamespace) -> None:
    whole = evaluate(drawn.excretory, drawn.nephrographic, drawn.kidneys)
    brief = evaluate(drawn.excretory, drawn.nephrographic, drawn.kidneys, brief=True)
    assert brief.inside == whole.inside
    assert brief.around.window.psnr_db == whole.around.window.psnr_db
    assert (brief.around.window.ms_ssim, brief.frechet_distance) == (None, None)


def test_another_grid_and_orientation_of_the_acquired_phase_changes_nothing(drawn: SimpleNamespace) -> None:
    reference = evaluate(drawn.excretory, drawn.nephrographic, drawn.kidneys)
    flipped = sitk.DICOMOrient(drawn.nephrographic, "RAI")
    found = evaluate(drawn.excretory, flipped, sitk.DICOMOrient(drawn.kidneys, "RSA"))
    assert found.around.window.psnr_db == pytest.approx(reference.around.window.psnr_db, abs=1e-3)
    assert found.inside.window.ssim == pytest.approx(reference.inside.window.ssim, abs=1e-4)


def test_parts_that_the_acquired_phase_does_not_cover_are_left_out(drawn: SimpleNamespace) -> None:
    size = list(drawn.nephrographic.GetSize())
    lower = sitk.RegionOfInterest(drawn.nephrographic, [size[0], size[1], 20], [0, 0, 0])
    found = evaluate(drawn.nephrographic, lower, drawn.kidneys)
    assert found.covered < 0.7
    assert found.around.hu.mae_hu == pytest.approx(0, abs=1e-3)
    assert found.around.window.ssim > 0.98


def test_without_kidneys_the_body_is_compared(drawn: SimpleNamespace) -> None:
    empty = sitk.Image(drawn.kidneys) * 0
    for kidneys in (None, empty):
        found = evaluate(drawn.excretory, drawn.nephrographic, kidneys)
        assert found.region == "body"
        assert found.inside is None
        assert found.around.window.psnr_db > 10


def test_segmentations_are_compared_kidney_by_kidney(drawn: SimpleNamespace) -> None:
    right = sitk.Cast(drawn.kidneys == 1, sitk.sitkUInt8)
    found = evaluate(
        drawn.excretory,
        drawn.nephrographic,
        None,
        synthetic_kidneys=right,
        acquired_kidneys=drawn.kidneys,
    )
    assert found.kidneys["right"].dice == 1
    assert found.kidneys["left"].dice == 0


def test_equal_volumes_are_perfect_and_everything_is_json(drawn: SimpleNamespace) -> None:
    found = evaluate(
        drawn.nephrographic,
        drawn.nephrographic,
        drawn.kidneys,
        synthetic_kidneys=drawn.kidneys,
        acquired_kidneys=drawn.kidneys,
    ).to_dict()
    assert found["around"]["window"]["psnr_db"] == 100
    assert found["around"]["window"]["ms_ssim"] == pytest.approx(1, abs=1e-4)
    assert found["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert all(math.isfinite(leaf) for leaf in leaves(found) if isinstance(leaf, float))


def test_a_better_synthetic_is_closer_by_frechet_distance(drawn: SimpleNamespace) -> None:
    rng = np.random.default_rng(5)
    array = sitk.GetArrayFromImage(drawn.nephrographic)
    near = sitk.GetImageFromArray((array + rng.normal(0, 2, array.shape)).astype(np.float32))
    near.CopyInformation(drawn.nephrographic)
    distances = [evaluate(s, drawn.nephrographic, drawn.kidneys).frechet_distance for s in (near, drawn.excretory)]
    assert distances[0] < distances[1]


def test_volumes_that_do_not_meet_are_refused(drawn: SimpleNamespace) -> None:
    away = sitk.Image(drawn.nephrographic)
    away.SetOrigin((5000.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="does not cover"):
        evaluate(drawn.nephrographic, away, drawn.kidneys)


def test_a_slice_is_refused(drawn: SimpleNamespace) -> None:
    with pytest.raises(GeometryError, match="three-dimensional"):
        evaluate(drawn.nephrographic[:, :, 3], drawn.nephrographic, drawn.kidneys)


def test_air_alone_is_refused(drawn: SimpleNamespace) -> None:
    air = drawn.nephrographic * 0 - 1000.0
    with pytest.raises(GeometryError, match="no body"):
        evaluate(air, drawn.nephrographic, None)
