"""Tiled sampling with networks whose answer is local, so that tiles and the whole must agree."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.process import Process
from NephroSynthLib.diffusion.samplers import SAMPLERS
from NephroSynthLib.diffusion.variance_exploding import VarianceExploding
from NephroSynthLib.diffusion.variance_preserving import VariancePreserving
from NephroSynthLib.errors import Cancelled, ResourceError
from NephroSynthLib.methods import tiled_sampling
from NephroSynthLib.methods.tiled_sampling import sample_tiled
from NephroSynthLib.progress import Progress


class Local(nn.Module):
    """Answers each voxel from that voxel; runs out of memory above a number of voxels."""

    def __init__(self, most: int = 10**9) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.most = most
        self.tiles: list[int] = []

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, context: Tensor | None) -> Tensor:
        self.tiles.append(x[0, 0].numel())
        if self.tiles[-1] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return 0.2 * torch.tanh(self.gain * x) + condition[:, :1] + (0 if context is None else context.mean())


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled_sampling, "SMALLEST_TILE", (4, 8, 8))
    monkeypatch.setattr(tiled_sampling, "OVERLAP", (1, 3, 3))
    monkeypatch.setattr(tiled_sampling, "STEP", (1, 2, 2))


def sample(network: Local, process: Process, sampler: str = "dpm-solver++", progress: Progress = Progress()) -> Tensor:
    condition = 0.3 * torch.ones(1, 2, 9, 20, 17)
    made = SAMPLERS[sampler](process)
    return sample_tiled(Denoiser(network, process), made, condition, torch.zeros(1, 3), 3, 1, progress)


@pytest.mark.parametrize("process", [VariancePreserving(), VarianceExploding(0.01, 50.0)], ids=["VP", "VE"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_tiles_change_nothing_where_the_network_looks_at_one_voxel(
    process: Process, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sample(Local(), process, sampler)
    monkeypatch.setitem(tiled_sampling.MOST_BYTES, "cpu", 500 * 600)
    network = Local()
    assert torch.allclose(sample(network, process, sampler), whole, atol=2e-2)  # in the type of inference
    assert max(network.tiles) <= 600
    assert whole.shape == (9, 20, 17)


def test_out_of_memory_gives_smaller_tiles_down_to_the_smallest() -> None:
    network = Local(most=700)
    sample(network, VariancePreserving())
    assert network.tiles[0] == 9 * 20 * 17
    assert max(network.tiles[-3:]) <= 700
    with pytest.raises(ResourceError, match="too little memory even for a tile"):
        sample(Local(most=0), VariancePreserving())


def test_progress_counts_the_tiles_and_may_cancel() -> None:
    told: list[float] = []
    sample(Local(), VariancePreserving(), progress=Progress(lambda event: told.append(event.fraction)))
    assert told == pytest.approx([1 / 3, 2 / 3, 1])
    with pytest.raises(Cancelled):
        sample(Local(), VariancePreserving(), progress=Progress(cancelled=lambda: True))
