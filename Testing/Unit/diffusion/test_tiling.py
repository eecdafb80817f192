from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from NephroSynthLib.diffusion.denoiser import Prediction
from NephroSynthLib.diffusion.tiling import Tiling, denoise_tiled, tile_shape, with_fitting_tile
from NephroSynthLib.errors import ResourceError

CPU = torch.device("cpu")


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(*[st.integers(5, 60)] * 3),
    tile=st.tuples(*[st.integers(17, 24)] * 3),
    overlap=st.tuples(*[st.integers(0, 8)] * 3),
    step=st.sampled_from([(1, 1, 1), (2, 4, 8)]),
)
def test_tiles_start_at_steps_cover_every_voxel_with_positive_weight_and_share_the_overlap(
    shape: tuple[int, int, int], tile: tuple[int, int, int], overlap: tuple[int, int, int], step: tuple[int, int, int]
) -> None:
    tiling = Tiling(shape, tile, overlap, step)
    total = torch.zeros(shape)
    for part in tiling:
        axes = zip(part, shape, tile, step, strict=True)
        assert all(0 <= s.start < s.stop <= n and s.stop - s.start <= t and s.start % p == 0 for s, n, t, p in axes)
        total[part] += tiling.weight(part, CPU)
    assert total.min() > 0
    for axis in range(3):
        along = sorted({(part[axis].start, part[axis].stop) for part in tiling})
        assert all(end - start >= overlap[axis] for (_, end), (start, _) in itertools.pairwise(along))


def test_what_a_tile_predicts_locally_is_what_the_whole_predicts() -> None:
    noisy = torch.randn(1, 1, 23, 31, 29)

    def double(x: torch.Tensor, t: torch.Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        return Prediction(2 * x, x / 2)

    merged = denoise_tiled(double, noisy, 7, Tiling((23, 31, 29), (12, 12, 12), (4, 4, 4)))

    torch.testing.assert_close(merged.clean, 2 * noisy)
    assert merged.log_variance_fraction is not None
    torch.testing.assert_close(merged.log_variance_fraction, noisy / 2)


def test_tiles_that_disagree_are_blended_without_a_seam() -> None:
    """Each tile predicts a constant of its own; the volume passes between them over the middle of their overlap."""
    tiling = Tiling((8, 8, 60), (8, 8, 40), (2, 2, 19))
    levels = iter([0.0, 1.0])

    def constant(x: torch.Tensor, t: torch.Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        return Prediction(torch.full_like(x, next(levels)))

    merged = denoise_tiled(constant, torch.zeros(1, 1, 8, 8, 60), 1, tiling).clean[0, 0, 4, 4]

    steps = merged.diff()
    assert merged[0] == 0
    assert merged[-1] == 1
    assert steps.min() >= 0
    assert steps.max() < 0.12


def test_a_small_volume_is_denoised_in_one_call_with_its_timestep() -> None:
    seen = []

    def spy(x: torch.Tensor, t: torch.Tensor, part: tuple[slice, slice, slice]) -> Prediction:
        seen.append((x.shape, t.tolist(), part))
        return Prediction(x)

    denoise_tiled(spy, torch.zeros(2, 1, 4, 5, 6), 9, Tiling((4, 5, 6), (8, 8, 8), (2, 2, 2)))

    assert seen == [((2, 1, 4, 5, 6), [9, 9], (slice(0, 4), slice(0, 5), slice(0, 6)))]


def test_tiles_shrink_to_the_memory_but_not_below_the_smallest() -> None:
    assert tile_shape((64, 128, 128), 10**9, (16, 32, 32)) == (64, 128, 128)
    z, y, x = tile_shape((64, 128, 128), 200_000, (16, 32, 32))
    assert z * y * x <= 200_000
    assert z >= 16
    assert y >= 32
    assert x >= 32
    assert tile_shape((64, 128, 128), 1, (16, 32, 32)) == (16, 32, 32)


def test_tiles_too_small_for_their_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        Tiling((30, 30, 30), (8, 8, 8), (4, 4, 4))


def test_work_that_runs_out_of_memory_starts_again_with_smaller_tiles() -> None:
    tried: list[int] = []

    def work(tile: tuple[int, int, int], most: int = 10_000) -> str:
        tried.append(tile[0] * tile[1] * tile[2])
        if tried[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "done"

    assert with_fitting_tile(work, (40, 64, 64), 10**6, (8, 16, 16), CPU) == "done"
    assert tried[0] == 40 * 64 * 64
    assert tried == sorted(tried, reverse=True)
    assert tried[-1] <= 10_000 < tried[-2]
    with pytest.raises(ResourceError, match=r"even for a tile of \(10, 16, 16\)"):
        with_fitting_tile(lambda tile: work(tile, 0), (40, 64, 64), 10**6, (8, 16, 16), CPU)


def test_another_error_of_the_work_is_raised_at_once() -> None:
    def work(tile: tuple[int, int, int]) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        with_fitting_tile(work, (40, 64, 64), 10**6, (8, 16, 16), CPU)
