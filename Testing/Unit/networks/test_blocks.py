from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from NephroSynthLib.networks.blocks import ResBlock, Size, depth_to_space, space_to_depth, timestep_embedding


def test_embedding_of_a_timestep_is_sines_and_cosines_of_it() -> None:
    embedding = timestep_embedding(torch.tensor([0.0, 3.5]), 8)
    assert embedding.shape == (2, 8)
    assert embedding[0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert torch.allclose(embedding[1, 0], torch.tensor(3.5).cos())
    assert torch.allclose(embedding[1, 4], torch.tensor(3.5).sin())


def test_embeddings_tell_timesteps_apart() -> None:
    embedding = timestep_embedding(torch.arange(1001), 128)
    distance = torch.cdist(embedding, embedding) + 10 * torch.eye(1001)
    assert float(distance.min()) > 0.1


@pytest.mark.parametrize("factor", [(1, 1, 1), (1, 2, 2), (2, 2, 2), (3, 1, 2)])
def test_space_to_depth_is_undone(factor: Size) -> None:
    x = torch.randn(2, 3, 6, 4, 8, generator=torch.Generator().manual_seed(0))
    deep = space_to_depth(x, factor)
    assert torch.equal(depth_to_space(deep, factor), x)


def test_space_to_depth_agrees_with_torch_in_the_plane() -> None:
    x = torch.randn(2, 3, 6, 4, 8, generator=torch.Generator().manual_seed(0))
    deep = space_to_depth(x, (1, 2, 2))
    for z in range(6):
        assert torch.equal(deep[:, :, z], F.pixel_unshuffle(x[:, :, z], 2))


def test_space_to_depth_lays_channels_last() -> None:
    x = torch.randn(1, 3, 4, 4, 4).contiguous(memory_format=torch.channels_last_3d)
    assert space_to_depth(x, (1, 2, 2)).is_contiguous(memory_format=torch.channels_last_3d)
    assert depth_to_space(space_to_depth(x, (1, 2, 2)), (1, 2, 2)).is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("outputs", [8, 12])
def test_residual_block_starts_as_its_skip(outputs: int) -> None:
    block = ResBlock(8, outputs, 16)
    x = torch.randn(2, 8, 3, 4, 5)
    assert torch.equal(block(x, torch.randn(2, 16)), block.skip(x))


def test_residual_block_listens_to_the_timestep_of_each_sample() -> None:
    torch.manual_seed(0)
    block = ResBlock(8, 8, 16)
    torch.nn.init.normal_(block.conv_out.weight)
    x = torch.randn(1, 8, 3, 4, 5).expand(3, -1, -1, -1, -1)
    out = block(x, torch.randn(2, 16)[[0, 0, 1]])
    assert torch.allclose(out[0], out[1], atol=1e-5)
    assert not torch.allclose(out[0], out[2], atol=1e-2)
