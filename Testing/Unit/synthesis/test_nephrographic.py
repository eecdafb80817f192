from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from NephroSynthLib.diffusion.denoiser import Denoiser, Prediction
from NephroSynthLib.errors import Cancelled, GeometryError, ModelError, NoKidneyError, ResourceError
from NephroSynthLib.imaging.grids import resample, same_grid, with_spacing
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods import tiled_sampling
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.methods.method import Case
from NephroSynthLib.models.bundle import load_bundle, save_bundle
from NephroSynthLib.progress import Progress, ProgressEvent
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis import nephrographic
from NephroSynthLib.synthesis.nephrographic import Synthesis, synthesize

CORTEX = COMPARTMENTS.index("cortex")


@dataclass(frozen=True)
class Phases:
    noncontrast: sitk.Image
    excretory: sitk.Image
    kidneys: sitk.Image

    def map(self, change: object) -> Phases:
        return Phases(*(change(image) for image in (self.noncontrast, self.excretory, self.kidneys)))  # type: ignore[operator]


@pytest.fixture(scope="module")
def phases() -> Phases:
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[:16, :60, :70]
    kidney = ((z - 8) / 4) ** 2 + ((y - 30) / 8) ** 2 + ((x - 32) / 7) ** 2 <= 1
    arrays = (
        np.where(kidney, 30, -90) + rng.normal(0, 10, kidney.shape),
        np.where(kidney, 120, -90) + rng.normal(0, 10, kidney.shape),
        kidney,
    )
    images = []
    for array, pixel in zip(arrays, (np.float32, np.float32, np.uint8), strict=True):
        image = sitk.GetImageFromArray(array.astype(pixel))
        image.SetSpacing((0.9, 0.9, 3.0))
        image.SetOrigin((-40.0, -100.0, 300.0))
        images.append(image)
    return Phases(*images)


@pytest.fixture
def settings(small_model: Path) -> SynthesisSettings:
    return SynthesisSettings(model=str(small_model), steps=2, margin_mm=10)


def run(phases: Phases, settings: SynthesisSettings, seed: int = 0, progress: Progress = Progress()) -> Synthesis:
    return synthesize(
        phases.noncontrast, phases.excretory, phases.kidneys, settings, device="cpu", seed=seed, progress=progress
    )


def voxels(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def test_the_result_lies_on_the_noncontrast_grid_and_outside_the_region_is_the_baseline(
    phases: Phases, settings: SynthesisSettings
) -> None:
    result = run(phases, settings)

    assert same_grid(result.image, phases.noncontrast)
    outside = np.ones(phases.noncontrast.GetSize()[::-1], bool)
    outside[result.region.slices] = False
    baseline = voxels(kinetic_baseline(phases.noncontrast, phases.excretory))
    np.testing.assert_array_equal(voxels(result.image)[outside], baseline[outside])
    assert np.abs(voxels(result.image) - baseline)[voxels(phases.kidneys) > 0].mean() > 5
    assert result.model[0] == "small"
    assert len(result.model[1]) == 64


def test_the_same_seed_gives_the_same_voxels_and_another_one_others(
    phases: Phases, settings: SynthesisSettings
) -> None:
    first, again, other = (voxels(run(phases, settings, seed).image) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_delay_of_the_excretory_phase_counts_where_it_is_known(phases: Phases, settings: SynthesisSettings) -> None:
    unknown, early, late = (
        voxels(run(phases, settings.model_copy(update={"excretory_delay_s": delay})).image)
        for delay in (None, 330, 800)
    )
    assert not np.array_equal(early, late)
    assert not np.array_equal(early, unknown)


def test_axes_stored_in_another_order_change_nothing(phases: Phases, settings: SynthesisSettings) -> None:
    turned = phases.map(lambda image: sitk.Flip(sitk.PermuteAxes(image, (2, 0, 1)), (True, False, True)))

    result = run(turned, settings).image

    assert same_grid(result, turned.noncontrast)
    back = sitk.DICOMOrient(result, "LPS")
    np.testing.assert_allclose(voxels(back), voxels(run(phases, settings).image), atol=1e-2)


def test_tiles_leave_no_seam(phases: Phases, settings: SynthesisSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged at each step, tiles give nearly what one call for the whole region gives."""
    whole = voxels(run(phases, settings).image)
    monkeypatch.setattr(tiled_sampling, "SMALLEST_TILE", (8, 24, 24))
    monkeypatch.setattr(tiled_sampling, "OVERLAP", (3, 8, 8))
    monkeypatch.setattr(tiled_sampling, "STEP", (2, 8, 8))
    monkeypatch.setitem(tiled_sampling.MOST_BYTES, "cpu", 500 * 12_000)
    tiled = voxels(run(phases, settings).image)
    assert not np.array_equal(whole, tiled)
    assert np.abs(whole - tiled).mean() < 0.2 * np.abs(whole - voxels(phases.noncontrast)).mean()


def test_a_grid_finer_than_the_model_knows_is_brought_to_the_nearest_it_knows(
    phases: Phases, settings: SynthesisSettings
) -> None:
    grid = with_spacing(phases.noncontrast, (0.45, 0.45, 3.0))
    fine = Phases(
        resample(phases.noncontrast, grid), resample(phases.excretory, grid), resample(phases.kidneys, grid, label=True)
    )
    result = run(fine, settings)
    assert same_grid(result.image, fine.noncontrast)
    assert np.isfinite(voxels(result.image)).all()


def test_several_samples_give_their_mean_and_their_deviation(phases: Phases, settings: SynthesisSettings) -> None:
    result = run(phases, settings.model_copy(update={"samples": 3}))

    assert result.uncertainty is not None
    assert same_grid(result.uncertainty, phases.noncontrast)
    deviation = voxels(result.uncertainty)
    outside = np.ones(deviation.shape, bool)
    outside[result.region.slices] = False
    assert not deviation[outside].any()
    assert deviation[voxels(phases.kidneys) > 0].mean() > 0
    assert run(phases, settings).uncertainty is None


def test_the_volume_of_several_samples_is_the_posterior_mean_whatever_the_steps(
    phases: Phases, settings: SynthesisSettings
) -> None:
    """One step gives the mean; a mean of few samples would have their noise, and more steps would change it."""
    mean = voxels(run(phases, settings.model_copy(update={"steps": 1})).image)
    sampled = run(phases, settings.model_copy(update={"samples": 2, "steps": 5}))
    np.testing.assert_array_equal(voxels(sampled.image), mean)


class Enhancing:
    """A method without noise that adds the told enhancement of the cortex to the kidneys."""

    name, title, window_hu, mean_in_one_step = "enhancing", "Enhancing", (-1024.0, 3071.0), False

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> np.ndarray:
        enhanced = case.excretory > 60
        return (case.noncontrast + enhanced * case.contrast.nephrographic[CORTEX]).astype(np.float32)


def test_two_samples_are_as_unsure_of_an_exam_as_the_estimate_of_its_enhancement(
    phases: Phases, settings: SynthesisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nephrographic, "restore_method", lambda bundle, device: Enhancing())
    for seed in range(3):
        result = run(phases, settings.model_copy(update={"samples": 2}), seed)
        assert result.uncertainty is not None
        middle = voxels(result.uncertainty)[8, 28:33, 30:35]
        assert middle.max() == pytest.approx(result.enhancement.estimate.sd_hu["cortex"], rel=0.02)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm-solver++"])
def test_every_sampler_stays_in_the_window(phases: Phases, settings: SynthesisSettings, sampler: str) -> None:
    hu = voxels(run(phases, settings.model_copy(update={"sampler": sampler})).image)
    inside = hu[voxels(phases.kidneys) > 0]
    assert inside.min() >= -150
    assert inside.max() <= 250


def test_the_baseline_stays_where_the_excretory_phase_has_no_voxels(
    phases: Phases, settings: SynthesisSettings
) -> None:
    hu = voxels(phases.excretory)
    hu[:8] = -1024
    short = sitk.GetImageFromArray(hu)
    short.CopyInformation(phases.excretory)
    cut = Phases(phases.noncontrast, short, phases.kidneys)

    result = run(cut, settings.model_copy(update={"samples": 2}))

    baseline = voxels(kinetic_baseline(phases.noncontrast, short))
    np.testing.assert_array_equal(voxels(result.image)[:8], baseline[:8])
    kidney = voxels(phases.kidneys)[8:] > 0
    assert np.abs(voxels(result.image)[8:] - baseline[8:])[kidney].mean() > 5
    assert result.uncertainty is not None
    assert not voxels(result.uncertainty)[:8].any()


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_device_that_runs_out_of_memory_gets_smaller_tiles_down_to_the_smallest(
    phases: Phases, settings: SynthesisSettings, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    monkeypatch.setattr(tiled_sampling, "SMALLEST_TILE", (8, 16, 16))
    monkeypatch.setattr(tiled_sampling, "OVERLAP", (3, 6, 6))
    monkeypatch.setattr(tiled_sampling, "STEP", (1, 2, 2))
    forward, tiles = Denoiser.forward, []

    def limited(self: Denoiser, x: torch.Tensor, *rest: torch.Tensor) -> Prediction:
        tiles.append(x[0, 0].numel())
        if tiles[-1] > 14_000:
            raise error
        return forward(self, x, *rest)

    monkeypatch.setattr(Denoiser, "forward", limited)
    run(phases, settings)
    assert tiles[0] > 14_000 > tiles[-1]

    monkeypatch.setattr(Denoiser, "forward", lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(ResourceError, match="too little memory even for a tile"):
        run(phases, settings)


def test_another_error_of_the_network_is_not_taken_for_one_of_memory(
    phases: Phases, settings: SynthesisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Prediction:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Denoiser, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        run(phases, settings)


def test_progress_moves_to_the_end_and_a_cancelled_run_stops(phases: Phases, settings: SynthesisSettings) -> None:
    events: list[ProgressEvent] = []
    run(phases, settings, progress=Progress(events.append))
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(set(fractions)) >= 4
    assert any("(CPU" in event.message for event in events)
    with pytest.raises(Cancelled):
        run(phases, settings, progress=Progress(cancelled=lambda: True))


def test_phases_on_different_grids_are_refused(phases: Phases, settings: SynthesisSettings) -> None:
    shifted = sitk.Image(phases.excretory)
    shifted.SetOrigin((0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="one grid"):
        run(Phases(phases.noncontrast, shifted, phases.kidneys), settings)


def test_a_region_without_a_kidney_is_refused(phases: Phases, settings: SynthesisSettings) -> None:
    with pytest.raises(NoKidneyError, match="No kidney"):
        run(Phases(phases.noncontrast, phases.excretory, phases.kidneys * 0), settings)


def test_another_method_goes_through_the_same_door(
    phases: Phases, settings: SynthesisSettings, small_model: Path, tmp_path: Path
) -> None:
    changes = {"method": "kinetic", "name": "floor", "configuration": {}, "window_hu": (-1024.0, 3071.0)}
    metadata = load_bundle(small_model).metadata.model_copy(update=changes)
    save_bundle(tmp_path / "floor.safetensors", {}, metadata)

    result = run(phases, settings.model_copy(update={"model": str(tmp_path / "floor.safetensors")}))

    baseline = voxels(kinetic_baseline(phases.noncontrast, phases.excretory))
    inner = voxels(phases.kidneys) > 0
    difference = np.abs(voxels(result.image) - baseline)[inner].mean()  # both pass through the working grid
    assert difference < 0.2 * np.abs(baseline - voxels(phases.noncontrast))[inner].mean()
    assert result.model[0] == "floor"


def test_a_model_of_another_task_is_refused(phases: Phases, settings: SynthesisSettings) -> None:
    with pytest.raises(ModelError, match="made for segmentation, not for synthesis"):
        run(phases, settings.model_copy(update={"model": "kidney-segmenter"}))
