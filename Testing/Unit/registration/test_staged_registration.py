"""The whole registration: what it finds, what it keeps, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ants
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from NephroSynthLib.errors import Cancelled
from NephroSynthLib.exam.simulated_images import to_image, to_images
from NephroSynthLib.options import RegistrationMode
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.registration import Landmarks, Registration, register, staged_registration
from NephroSynthLib.registration.fusion import fuse
from NephroSynthLib.registration.geometry import apply, translation
from NephroSynthLib.registration.staged_registration import overlap_in_words
from NephroSynthLib.settings import RegistrationSettings
from NephroSynthLib.simulation import Grid, simulate

TURN = Rotation.from_euler("xyz", [7, -9, 12], degrees=True).as_matrix()


def _run(pair: Any, mode: RegistrationMode = "two-stage", **options: Any) -> Registration:
    images = {
        "fixed": pair.fixed.image,
        "moving": pair.moving.image,
        "fixed_kidneys": pair.fixed.labels,
        "moving_kidneys": pair.moving.labels,
    }
    images |= {name: options.pop(name) for name in list(options) if name in images}
    return register(*images.values(), RegistrationSettings(mode=mode), **options)


def _moved(transform: sitk.Transform, points: np.ndarray) -> np.ndarray:
    return np.array([transform.TransformPoint(point.tolist()) for point in points])


@pytest.fixture(scope="module")
def events() -> list[ProgressEvent]:
    """The progress that `result` told."""
    return []


@pytest.fixture(scope="module")
def result(pair: Any, events: list[ProgressEvent]) -> Registration:
    """Both stages on the phantom."""
    return _run(pair, progress=Progress(sink=events.append))


def test_both_kidneys_are_found(pair: Any, result: Registration) -> None:
    assert result.mode == "two-stage"
    assert result.warnings == ()
    assert max(pair.tre(result.transform).values()) < 1.2


@pytest.mark.parametrize("seed", [900_000, 900_001])
def test_the_kidneys_of_a_simulated_exam_are_found(seed: int) -> None:
    exam = simulate(seed, reference=Grid((44, 96, 128), (2.25, 2.25, 3.75), (-144.0, -108.0, -82.5)))
    images, excretory = to_images(exam), exam.phases["excretory"]
    kidneys = (images["kidneys"], to_image(excretory.kidneys, excretory.grid))
    result = register(images["noncontrast"], images["excretory"], *kidneys, RegistrationSettings())
    z, y, x = np.argwhere(exam.kidneys > 0)[::53].T
    points = exam.reference.to_points(np.stack([z, y, x], -1))
    truth = points + excretory.displacement[:, z, y, x].T
    assert np.linalg.norm(_moved(result.transform, points) - truth, axis=1).mean() < 2.0
    assert result.quality.min_jacobian > 0.1


def test_the_figures_tell_what_happened(result: Registration) -> None:
    quality = result.quality
    assert quality.ssim_affine is not None
    assert quality.ssim_before < quality.ssim_affine < quality.ssim_after
    assert quality.passed == (quality.ssim_after >= quality.gate)
    assert quality.min_jacobian > 0.1
    assert all(quality.kidney_dice_after[side] > 0.9 > quality.kidney_dice_before[side] for side in ("right", "left"))
    assert quality.kidney_shift_mm["right"].superior == pytest.approx(-13.0, abs=1.0)
    assert quality.kidney_shift_mm["left"].superior == pytest.approx(11.0, abs=1.0)
    assert json.loads(json.dumps(quality.to_dict()))["kidney_shift_mm"]["left"]["norm"] > 10


def test_the_registered_phase_is_the_moving_one_resampled_once(pair: Any, result: Registration) -> None:
    expected = sitk.Resample(
        pair.moving.image, pair.fixed.image, result.transform, sitk.sitkLinear, -1024.0, sitk.sitkFloat32
    )
    assert result.registered.GetPixelID() == sitk.sitkFloat32
    assert result.registered.IsSameImageGeometryAs(pair.fixed.image)
    assert np.array_equal(sitk.GetArrayViewFromImage(result.registered), sitk.GetArrayViewFromImage(expected))


def test_the_same_input_gives_the_same_voxels(pair: Any, result: Registration) -> None:
    again = _run(pair)
    assert np.array_equal(sitk.GetArrayViewFromImage(result.registered), sitk.GetArrayViewFromImage(again.registered))


def test_the_transform_survives_a_file(pair: Any, result: Registration, tmp_path: Path) -> None:
    sitk.WriteTransform(result.transform, str(tmp_path / "excretory_to_noncontrast.h5"))
    again = sitk.ReadTransform(str(tmp_path / "excretory_to_noncontrast.h5"))
    points = np.concatenate([pair.kidney_points("left"), np.random.default_rng(0).uniform(-300, 300, (50, 3))])
    assert np.allclose(_moved(again, points), _moved(result.transform, points), atol=1e-6)


def test_a_transform_is_carried_on_to_the_frame_of_the_file(pair: Any, result: Registration, tmp_path: Path) -> None:
    placement = np.diag([-1.0, 1.0, 1.0, 1.0])
    placement[:3, 3] = (5.0, -10.0, 400.0)
    carried = result.to_frame(placement)
    sitk.WriteTransform(carried.transform, str(tmp_path / "transform.h5"))
    points = pair.kidney_points("left")
    found = _moved(sitk.ReadTransform(str(tmp_path / "transform.h5")), points)
    assert np.allclose(found, apply(placement, _moved(result.transform, points)), atol=1e-6)
    assert result.to_frame(None) is result


def test_registering_the_other_way_round_leads_back(pair: Any, result: Registration) -> None:
    back = register(pair.moving.image, pair.fixed.image, pair.moving.labels, pair.fixed.labels, RegistrationSettings())
    for side in ("right", "left"):
        points = pair.kidney_points(side)
        returned = _moved(back.transform, _moved(result.transform, points))
        assert np.linalg.norm(returned - points, axis=1).mean() < 1.5


def test_iodine_in_the_pelvis_changes_next_to_nothing(pair: Any, draw_pair: Any, result: Registration) -> None:
    strong = _run(draw_pair(pelvis=2800.0))
    for side in ("right", "left"):
        points = pair.kidney_points(side)
        assert np.linalg.norm(_moved(strong.transform, points) - _moved(result.transform, points), axis=1).mean() < 0.5


def test_an_oblique_phase_is_aligned_like_an_axial_one(pair: Any, draw_pair: Any) -> None:
    """The oblique phase is drawn from the same anatomy, not resampled."""
    oblique = draw_pair(oblique=TURN)
    assert max(pair.tre(_run(oblique).transform).values()) < 1.2


def test_storage_order_and_label_type_do_not_matter(pair: Any, result: Registration) -> None:
    stored = {
        "fixed": sitk.DICOMOrient(pair.fixed.image, "RAS"),
        "moving": sitk.DICOMOrient(pair.moving.image, "PIR"),
        "fixed_kidneys": sitk.Cast(sitk.DICOMOrient(pair.fixed.labels, "RAS"), sitk.sitkInt32),
        "moving_kidneys": sitk.Cast(sitk.DICOMOrient(pair.moving.labels, "PIR"), sitk.sitkFloat64),
    }
    turned = _run(pair, **stored)
    back = sitk.DICOMOrient(turned.registered, "LPS")
    assert turned.registered.IsSameImageGeometryAs(stored["fixed"])
    assert np.allclose(sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(result.registered), atol=0.5)


def test_a_single_kidney_is_enough(draw_pair: Any) -> None:
    single = draw_pair(sides=("left",))
    result = _run(single)
    assert result.mode == "two-stage"
    assert set(result.quality.kidney_shift_mm) == set(result.quality.kidney_dice_after) == {"left"}
    assert single.tre(result.transform)["left"] < 1.2


def test_a_part_of_the_moving_phase_is_enough_and_the_rest_is_air(pair: Any) -> None:
    size = pair.moving.image.GetSize()
    moving, labels = (
        sitk.RegionOfInterest(image, (size[0], size[1], size[2] - 34), (0, 0, 20))
        for image in (pair.moving.image, pair.moving.labels)
    )
    result = _run(pair, moving=moving, moving_kidneys=labels)
    assert max(pair.tre(result.transform).values()) < 1.5
    assert sitk.GetArrayViewFromImage(result.registered)[0].max() == -1024.0


def test_another_frame_of_reference_is_overcome(pair: Any) -> None:
    shift = np.array([70.0, -50.0, 120.0])
    moving = sitk.Image(pair.moving.image)
    moving.SetOrigin((np.array(moving.GetOrigin()) + shift).tolist())
    points = pair.kidney_points("left")
    found = _moved(_run(pair, moving=moving, moving_kidneys=None).transform, points) - shift
    assert np.linalg.norm(found - apply(pair.moving.maps["left"], points), axis=1).mean() < 1.5


def test_without_kidneys_the_affine_stage_is_what_can_be_done(pair: Any) -> None:
    result = _run(pair, fixed_kidneys=pair.fixed.labels * 0)
    assert result.mode == "affine"
    assert "No kidney is known" in result.warnings[0]
    assert result.quality.ssim_after > result.quality.ssim_before


def test_less_is_done_when_less_is_asked_for(pair: Any) -> None:
    affine, none = _run(pair, "affine"), _run(pair, "none")
    assert (affine.mode, none.mode) == ("affine", "none")
    assert affine.warnings == none.warnings == ()
    assert affine.quality.ssim_affine == affine.quality.ssim_after > none.quality.ssim_after
    assert none.quality.ssim_affine is None
    assert none.transform.TransformPoint((1.0, 2.0, 3.0)) == pytest.approx((1.0, 2.0, 3.0))


@pytest.mark.parametrize("what", ["noise", "constant"])
def test_an_unrelated_phase_is_left_where_it_is(pair: Any, what: str) -> None:
    moving = pair.moving.image * 0.0 + 40.0
    if what == "noise":
        moving = sitk.AdditiveGaussianNoise(moving, 300.0, 0.0, 5)
    result = _run(pair, moving=moving, moving_kidneys=None)
    assert result.mode == "none"
    assert not result.quality.passed
    assert any("did not make the phases" in warning for warning in result.warnings)
    assert result.transform.TransformPoint((1.0, 2.0, 3.0)) == pytest.approx((1.0, 2.0, 3.0))


def test_a_failure_of_ants_leaves_the_phases_in_place(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Registration failed with error code 1")

    monkeypatch.setattr(ants, "registration", fail)
    result = _run(pair, "affine")
    assert result.mode == "none"
    assert "The affine stage failed" in result.warnings[0]


def test_an_affine_map_gone_astray_does_not_mislead_the_kidneys(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_registration, "register_affine", lambda *_: translation(np.array([0.0, 0.0, 80.0])))
    result = _run(pair)
    assert result.mode == "two-stage"
    assert any("affine stage made the phases less alike" in warning for warning in result.warnings)
    assert max(pair.tre(result.transform).values()) < 1.2


def test_landmarks_start_the_registration_or_are_the_whole_of_it(pair: Any) -> None:
    shift = np.array([150.0, 80.0, -200.0])
    moving = sitk.Image(pair.moving.image)
    moving.SetOrigin((np.array(moving.GetOrigin()) + shift).tolist())
    fixed_points = np.concatenate([pair.kidney_points(side)[::40] for side in ("right", "left")])
    landmarks = Landmarks(fixed_points, fixed_points + shift)
    alone = _run(pair, "none", moving=moving, moving_kidneys=None, landmarks=landmarks)
    assert np.allclose(_moved(alone.transform, fixed_points), fixed_points + shift, atol=1e-6)
    both = _run(pair, moving=moving, moving_kidneys=None, landmarks=landmarks)
    points = pair.kidney_points("right")
    error = _moved(both.transform, points) - shift - apply(pair.moving.maps["right"], points)
    assert np.linalg.norm(error, axis=1).mean() < 1.2


def test_an_initial_transform_starts_the_registration_or_is_the_whole_of_it(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transform places one kidney. In the end that kidney has moved on from there, and the other one was found."""
    motion = translation(np.array([2.0, 2.0, 4.0])) @ pair.moving.maps["right"]
    initial = fuse(np.eye(4), [motion], [pair.fixed.labels == 1]).transform
    right, left = pair.kidney_points("right"), pair.kidney_points("left")
    alone = _run(pair, "none", initial=initial)
    assert np.allclose(_moved(alone.transform, right), apply(motion, right), atol=0.2)
    assert np.allclose(_moved(alone.transform, left), left, atol=0.2)
    monkeypatch.setattr(staged_registration, "register_affine", lambda fixed, moving, starts: starts[0])
    found = _run(pair, initial=initial)
    assert max(pair.tre(found.transform).values()) < 1.2


def test_landmarks_replace_stages_and_their_errors_are_told(pair: Any) -> None:
    """A thin-plate map of points of both kidneys places each kidney, though each moved on its own."""
    fixed, moving = [], []
    for side in ("right", "left"):
        points = pair.kidney_points(side)[::20]
        fixed.append(points)
        moving.append(apply(pair.moving.maps[side], points))
    landmarks = Landmarks(np.concatenate(fixed), np.concatenate(moving), "thin-plate", replaces=True)
    settings = RegistrationSettings(mode="two-stage", landmark_use="thin-plate")
    images = pair.fixed.image, pair.moving.image, pair.fixed.labels, None
    found = register(*images, settings, landmarks=landmarks)
    assert max(pair.tre(found.transform).values()) < 1.5
    errors = found.quality.landmarks
    assert errors is not None
    assert (errors.pairs, errors.use) == (len(landmarks.fixed), "thin-plate")
    assert errors.registered_mean == errors.fit_mean < 0.5
    assert json.loads(json.dumps(found.quality.to_dict()))["landmarks"]["held_out_mean"] > errors.fit_mean


@pytest.mark.usefixtures("result")
def test_progress_moves_forward_and_cancelling_ends_it(pair: Any, events: list[ProgressEvent]) -> None:
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len(fractions) >= 6
    with pytest.raises(Cancelled):
        _run(pair, progress=Progress(cancelled=lambda: True))


def test_a_missed_gate_never_looks_reached(pair: Any) -> None:
    images = pair.fixed.image, pair.moving.image, pair.fixed.labels, pair.moving.labels
    reached = register(*images, RegistrationSettings(mode="none")).quality.ssim_after
    missed = register(*images, RegistrationSettings(mode="none", ssim_gate=reached + 1e-4)).quality
    assert "not enough" in missed.reasons[0]
    ssim, gate = (float(word.rstrip(".,")) for word in missed.reasons[0].split() if word[0].isdigit())
    assert ssim < gate


def test_a_kidney_that_the_phases_show_at_different_places_misses_the_gate(pair: Any) -> None:
    labels = sitk.GetArrayFromImage(pair.moving.labels)
    elsewhere = np.where(labels == 1, 1, 2 * np.roll(labels == 2, labels.shape[0] // 2, axis=0)).astype(np.uint8)
    moving = sitk.GetImageFromArray(elsewhere)
    moving.CopyInformation(pair.moving.labels)
    images = pair.fixed.image, pair.moving.image, pair.fixed.labels, moving
    quality = register(*images, RegistrationSettings(mode="none", ssim_gate=0.0)).quality
    assert not quality.passed
    (failure,) = quality.failures
    assert failure.startswith("The left kidney overlaps by 0.")
    assert "different things" in failure


def test_an_overlap_just_below_the_gate_never_looks_enough() -> None:
    assert "overlaps by 0.497 (Dice), before by 0.30. The gate asks for 0.500" in overlap_in_words("left", 0.3, 0.497)
    assert "gate" not in overlap_in_words("left", 0.3, 0.5)
