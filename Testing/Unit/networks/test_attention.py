"""Shifted windows against attention over the whole grid with a mask that says who is in whose window."""

from __future__ import annotations

import sys
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from NephroSynthLib.networks.attention import SwinBlock, WindowAttention, window_merge, window_partition
from NephroSynthLib.networks.blocks import Size

SIZES: list[Size] = [(4, 4, 4), (8, 8, 8), (5, 7, 3), (1, 9, 4), (6, 2, 11), (1, 1, 1)]
WINDOWS: list[Size] = [(4, 4, 4), (2, 4, 3), (1, 5, 5)]


def _block(window: Size, shifted: bool) -> SwinBlock:
    torch.manual_seed(0)
    block = SwinBlock(channels=8, head_channels=4, window=window, shifted=shifted)
    torch.nn.init.normal_(block.attention.bias)
    return block.double()


def _window_of(position: tuple[int, ...], size: Size, window: Size, shifted: bool) -> tuple[int, ...]:
    """Which window a token is in. Windows that are cut by the border stay apart from those on the far side."""
    offsets = [w // 2 if shifted and n > w else 0 for n, w in zip(size, window, strict=True)]
    return tuple((p - o) // w for p, o, w in zip(position, offsets, window, strict=True))


def _attend_by_definition(attention: WindowAttention, tokens: Tensor, window: Size, shifted: bool) -> Tensor:
    """Attention of each token of (z, y, x, C) over the tokens of its window, one at a time."""
    size: Size = tuple(tokens.shape[:3])  # type: ignore[assignment]
    q, k, v = attention.qkv(tokens).unflatten(-1, (3, attention.heads, -1)).unbind(3)
    members: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
    for position in product(*(range(n) for n in size)):
        members.setdefault(_window_of(position, size, window, shifted), []).append(position)
    table = attention.bias.view(*(2 * w - 1 for w in window), -1)
    out = torch.zeros_like(v)
    for positions in members.values():
        for one in positions:
            bias = torch.stack([table[tuple(a - b + w - 1 for a, b, w in zip(one, other, window, strict=True))]
                                for other in positions])  # fmt: skip
            keys, values = (torch.stack([tensor[other] for other in positions]) for tensor in (k, v))
            scores = (q[one] * keys).sum(-1) / q.shape[-1] ** 0.5 + bias
            out[one] = (scores.softmax(0)[..., None] * values).sum(0)
    return attention.project(out.flatten(3))


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", SIZES)
def test_agrees_with_the_definition(size: Size, window: Size, shifted: bool) -> None:
    block = _block(window, shifted)
    tokens = torch.randn(2, *size, 8, dtype=torch.float64)
    ours = block._attend(tokens)
    for sample in range(2):
        assert torch.allclose(ours[sample], _attend_by_definition(block.attention, tokens[sample], window, shifted))


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_token_changes_only_tokens_of_its_window(size: Size, shifted: bool) -> None:
    window = (4, 4, 4)
    block = _block(window, shifted)
    x = torch.randn(1, 8, *size, dtype=torch.float64)
    touched = tuple(n - 1 for n in size)
    changed = x.clone()
    changed[(0, slice(None), *touched)] += torch.randn(8, dtype=torch.float64)
    moved = (block(changed) - block(x)).abs().amax(1)[0] > 1e-9
    for position in product(*(range(n) for n in size)):
        together = _window_of(position, size, window, shifted) == _window_of(touched, size, window, shifted)
        assert bool(moved[position]) == together


def test_moving_by_whole_windows_moves_the_result() -> None:
    block = _block((4, 4, 4), shifted=False)
    x = torch.randn(1, 8, 8, 8, 12, dtype=torch.float64)
    shift = (4, 0, 8)
    assert torch.allclose(block(x.roll(shift, (2, 3, 4))), block(x).roll(shift, (2, 3, 4)))


def test_samples_of_a_batch_do_not_mix() -> None:
    block = _block((4, 4, 4), shifted=True)
    x = torch.randn(3, 8, 5, 6, 7, dtype=torch.float64)
    assert torch.allclose(block(x)[1:2], block(x[1:2]))


@given(st.tuples(*[st.integers(1, 3)] * 3), st.tuples(*[st.integers(1, 4)] * 3), st.integers(1, 2))
@settings(deadline=None, max_examples=30)
def test_windows_are_put_back_where_they_were(windows: Size, window: Size, batch: int) -> None:
    size: Size = tuple(n * w for n, w in zip(windows, window, strict=True))  # type: ignore[assignment]
    x = torch.randn(batch, *size, 2)
    cut = window_partition(x, window)
    assert cut.shape == (batch * windows[0] * windows[1] * windows[2], window[0] * window[1] * window[2], 2)
    assert torch.equal(window_merge(cut, window, size), x)


def test_every_parameter_learns() -> None:
    block = _block((4, 4, 4), shifted=True)
    block(torch.randn(1, 8, 6, 6, 6, dtype=torch.float64)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in block.parameters())


def test_a_network_without_memory_is_built_without_the_compiler_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    with torch.device("meta"):
        assert WindowAttention(8, 2, (2, 4, 4)).qkv.weight.is_meta
