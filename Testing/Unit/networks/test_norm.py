from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from NephroSynthLib.networks.norm import EPSILON, AdaptiveChannelNorm, AdaptiveGroupNorm


def _norm(channels: int, dtype: torch.dtype = torch.float32) -> AdaptiveGroupNorm:
    torch.manual_seed(0)
    norm = AdaptiveGroupNorm(channels)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm.to(dtype)


@pytest.mark.parametrize("channels", [3, 8, 24])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
def test_value_and_gradients_are_those_of_group_norm(channels: int, memory_format: torch.memory_format) -> None:
    norm = _norm(channels)
    x = (2 + 3 * torch.randn(2, channels, 3, 4, 5)).contiguous(memory_format=memory_format)
    inputs = [x, torch.randn(2, channels), torch.randn(2, channels)]
    weights = torch.randn(x.shape)
    results = []
    for function in (norm, norm.by_torch):
        given = [tensor.clone().requires_grad_() for tensor in inputs]
        out = function(*given)
        gradients = torch.autograd.grad((out * weights).sum(), [*given, norm.weight, norm.bias])
        results.append([out, *gradients])
    for ours, reference in zip(*results, strict=True):
        assert torch.allclose(ours, reference, rtol=1e-4, atol=1e-4)


def test_gradients_agree_with_finite_differences() -> None:
    norm = _norm(4, torch.float64)
    x = torch.randn(2, 4, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given: norm(given.float()).double(), (x,), eps=1e-2, atol=2e-2, rtol=2e-2)


def test_without_modulation_it_is_group_norm() -> None:
    norm, x = _norm(16), torch.randn(2, 16, 3, 4, 5)
    assert torch.allclose(norm(x), F.group_norm(x, 8, norm.weight, norm.bias, EPSILON), atol=1e-5)


def test_modulation_scales_and_shifts_each_channel_of_each_sample() -> None:
    norm, x = _norm(8), torch.randn(2, 8, 3, 4, 5)
    scale, shift = torch.randn(2, 2, 8)
    for out in (norm(x, scale, shift), norm.by_torch(x, scale, shift)):
        assert torch.allclose(out[1, 3], norm(x)[1, 3] * (1 + scale[1, 3]) + shift[1, 3], atol=1e-5)


def test_takes_any_strides() -> None:
    norm, x = _norm(8), torch.randn(1, 8, 6, 5, 4)
    assert torch.allclose(norm(x.transpose(2, 4)).transpose(2, 4), norm(x), atol=1e-5)
    assert torch.allclose(norm(x.expand(2, -1, -1, -1, -1))[1:], norm(x), atol=1e-5)
    last = x.contiguous(memory_format=torch.channels_last_3d)
    assert torch.allclose(norm(last.as_strided(x.shape, (7, *last.stride()[1:]))), norm(x), atol=1e-5)


def test_bfloat16_is_close_and_stays_channels_last() -> None:
    norm = _norm(24)
    x = (2 + torch.randn(1, 24, 4, 6, 6)).contiguous(memory_format=torch.channels_last_3d)
    low = norm(x.bfloat16())
    assert low.dtype == torch.bfloat16
    assert low.is_contiguous(memory_format=torch.channels_last_3d)
    assert (low.float() - norm(x)).abs().max() < 0.1


def test_is_blind_to_the_level_and_contrast_of_its_input() -> None:
    norm, x = _norm(8), torch.randn(1, 8, 4, 4, 4)
    assert torch.allclose(norm(x), norm(7 * x + 3), atol=1e-3)


def test_channel_norm_is_torchs_layer_norm_of_each_voxel_with_a_scale_and_shift() -> None:
    torch.manual_seed(0)
    x, scale, shift = torch.randn(2, 6, 3, 4, 5), torch.randn(2, 6), torch.randn(2, 6)
    norm = AdaptiveChannelNorm(6)
    expected = torch.nn.LayerNorm(6)(x.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(norm(x), expected)
    spread = (slice(None), slice(None), None, None, None)
    torch.testing.assert_close(norm(x, scale, shift), (1 + scale[spread]) * expected + shift[spread])


def test_channel_norm_does_not_see_the_rest_of_the_region() -> None:
    x = torch.randn(1, 6, 3, 4, 5)
    other = x.clone()
    other[..., 1:] += 7
    norm = AdaptiveChannelNorm(6)
    torch.testing.assert_close(norm(x)[..., 0], norm(other)[..., 0])
