from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.exam.contrast import (
    ENHANCED,
    NO_CONTRAST,
    NOT_EXCRETED,
    SWAPPED,
    contrast_warnings,
    coverage_warnings,
    early_contrast_warnings,
    field_of_view_warnings,
)
from NephroSynthLib.exam.simulated_images import to_image
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import SimulatedExam, simulate

Phantom = Callable[..., sitk.Image]
Kidneys = Callable[[sitk.Image], sitk.Image]


def painted(image: sitk.Image, center: tuple[float, float, float], radius: float, hu: float) -> sitk.Image:
    """The image with a ball of `hu` at a physical point."""
    indices = np.indices(image.GetSize()).reshape(3, -1).T
    points = indices * np.array(image.GetSpacing()) + image.GetOrigin()
    inside = (np.linalg.norm(points - center, axis=1) < radius).reshape(image.GetSize()).T
    values = sitk.GetArrayFromImage(image)
    values[inside] = hu
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(image)
    return result


class TestBeforeSegmentation:
    @pytest.mark.parametrize("stone", [0.0, 8.0])
    @pytest.mark.parametrize("meal", [0.0, 30.0])
    def test_stones_bone_and_oral_contrast_explain_nothing(self, phantom: Phantom, stone: float, meal: float) -> None:
        def with_findings(image: sitk.Image, drift: float) -> sitk.Image:
            image = painted(image, (-60 + drift, 20, 10 + drift), stone, 900)
            return painted(image, (40 + drift, -60, -20), meal, 500)

        noncontrast = with_findings(phantom(), 0)
        excretory = with_findings(phantom(contrast=True, seed=1), 12)
        assert early_contrast_warnings(noncontrast, excretory) == ()
        if not meal:
            assert early_contrast_warnings(excretory, noncontrast) == (SWAPPED,)
            assert early_contrast_warnings(noncontrast, with_findings(phantom(seed=2), 0)) == (NO_CONTRAST,)

    @pytest.mark.parametrize("shift", [(0.0, 150.0, 0.0), (0.0, -60.0, 0.0), (40.0, 30.0, 0.0)])
    def test_another_height_of_the_table_changes_nothing(
        self, phantom: Phantom, shift: tuple[float, float, float]
    ) -> None:
        noncontrast, excretory = phantom(), phantom(contrast=True, seed=1)
        moved = sitk.Image(excretory)
        moved.SetOrigin([place + step for place, step in zip(excretory.GetOrigin(), shift, strict=True)])
        assert early_contrast_warnings(noncontrast, moved) == ()
        assert early_contrast_warnings(moved, noncontrast) == (SWAPPED,)

    def test_only_what_both_phases_show_counts(self, phantom: Phantom) -> None:
        excretory = painted(phantom(contrast=True, seed=1, size=(72, 56, 30)), (0, 20, 80), 25, 800)
        assert early_contrast_warnings(phantom(), excretory) == ()


class TestInTheKidneys:
    def test_right_phases(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        before, after = phantom(), phantom(contrast=True)
        assert contrast_warnings(before, after, phantom_kidneys(before), phantom_kidneys(after)) == ()

    def test_swapped(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        before, after = phantom(contrast=True), phantom()
        assert contrast_warnings(before, after, phantom_kidneys(before), phantom_kidneys(after)) == (SWAPPED,)

    def test_no_contrast(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        before, after = phantom(), phantom(seed=1)
        assert contrast_warnings(before, after, phantom_kidneys(before), phantom_kidneys(after)) == (NO_CONTRAST,)

    def test_contrast_in_both(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        before, after = phantom(contrast=True), phantom(contrast=True, seed=1)
        assert contrast_warnings(before, after, phantom_kidneys(before), phantom_kidneys(after)) == (ENHANCED,)

    def test_one_kidney_without_function(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        before, after = phantom(), painted(phantom(contrast=True), (65, 25, 0), 50, 32)
        assert contrast_warnings(before, after, phantom_kidneys(before), phantom_kidneys(after)) == ()

    def test_no_kidney_is_no_ground_for_a_warning(self, phantom: Phantom, phantom_kidneys: Kidneys) -> None:
        image = phantom()
        assert contrast_warnings(image, image, phantom_kidneys(image) * 0, phantom_kidneys(image)) == ()


@pytest.fixture(scope="module")
def simulated() -> SimulatedExam:
    return simulate(900_007, reference=Grid((40, 110, 150), (2.4, 2.4, 4.0), (0.0, 0.0, 0.0)))


class TestOnASimulatedExam:
    def test_before_segmentation(self, simulated: SimulatedExam) -> None:
        images = {name: to_image(phase.hu, phase.grid) for name, phase in simulated.phases.items()}
        assert early_contrast_warnings(images["noncontrast"], images["excretory"]) == ()
        assert early_contrast_warnings(images["excretory"], images["noncontrast"]) == (SWAPPED,)

    def test_in_the_kidneys(self, simulated: SimulatedExam) -> None:
        images = {name: to_image(phase.hu, phase.grid) for name, phase in simulated.phases.items()}
        labels = {name: to_image(phase.kidneys, phase.grid) for name, phase in simulated.phases.items()}

        def warnings(before: str, after: str) -> tuple[str, ...]:
            return contrast_warnings(images[before], images[after], labels[before], labels[after])

        assert warnings("noncontrast", "excretory") == ()
        assert warnings("excretory", "noncontrast") == (SWAPPED,)
        assert warnings("noncontrast", "noncontrast") == (NO_CONTRAST,)
        assert warnings("noncontrast", "nephrographic") == (NOT_EXCRETED,)


class TestFieldOfView:
    @pytest.fixture
    def labels(self, phantom: Phantom, phantom_kidneys: Kidneys) -> sitk.Image:
        return phantom_kidneys(phantom())

    def test_whole_kidneys(self, labels: sitk.Image) -> None:
        assert field_of_view_warnings(labels) == ()

    @pytest.mark.parametrize(
        ("cut", "kidneys", "edge"),
        [
            (np.s_[:, :, 8:], ("right", "left"), "lower"),
            (np.s_[:, :, :12], ("right", "left"), "upper"),
            (np.s_[20:, :, :], ("right",), "right"),
            (np.s_[:52, :, :], ("left",), "left"),
            (np.s_[:, 34:, :], ("right", "left"), "front"),
            (np.s_[:, :34, :], ("right", "left"), "back"),
        ],
    )
    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
    @pytest.mark.parametrize("flip", [False, True])
    def test_a_cut_kidney_is_told_with_side_and_edge(
        self,
        labels: sitk.Image,
        cut: tuple[slice, ...],
        kidneys: tuple[str, ...],
        edge: str,
        order: tuple[int, ...],
        flip: bool,
    ) -> None:
        stored = sitk.Flip(sitk.PermuteAxes(labels[cut], order), (flip, flip, False))
        warnings = field_of_view_warnings(stored, "excretory phase")
        assert len(warnings) == len(kidneys)
        for warning, kidney in zip(warnings, kidneys, strict=True):
            assert f"Part of the {kidney} kidney is outside the field of view of the excretory phase" in warning
            assert f"{edge} edge" in warning


def test_a_kidney_that_the_excretory_phase_does_not_cover_is_told_with_its_share(
    phantom: Phantom, phantom_kidneys: Kidneys
) -> None:
    excretory = phantom(contrast=True)
    labels = phantom_kidneys(excretory)
    assert coverage_warnings(excretory, labels) == ()

    hu, sides = sitk.GetArrayFromImage(excretory), sitk.GetArrayFromImage(labels)
    slices = np.flatnonzero((sides == 1).any(axis=(1, 2)))
    half = (np.arange(len(hu)) < slices[len(slices) // 2])[:, None, None]
    hu[half & (sides == 1)] = -1024
    cut = sitk.GetImageFromArray(hu)
    cut.CopyInformation(excretory)
    (warning,) = coverage_warnings(cut, labels)
    share = np.mean(np.broadcast_to(half, sides.shape)[sides == 1])
    assert warning.startswith(f"{share:.0%} of the right kidney is outside the excretory phase")
