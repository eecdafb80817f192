from __future__ import annotations

import pytest
import torch

from NephroSynthLib.device import autocast, free_memory, inference_dtype, resolve_device
from NephroSynthLib.errors import ResourceError


def test_auto_is_a_device_that_computes() -> None:
    device = resolve_device("auto")
    assert torch.ones(2, device=device).sum().item() == 2


def test_a_gpu_that_is_not_there_is_refused_with_what_to_do() -> None:
    with pytest.raises(ResourceError, match="cuda:99 is not there") as error:
        resolve_device("cuda:99")
    assert error.value.exit_code == 5


def test_memory_is_counted_in_bytes() -> None:
    assert free_memory(torch.device("cpu")) > 2**24


def test_autocast_computes_in_the_inference_type() -> None:
    device = torch.device("cpu")
    with autocast(device):
        product = torch.ones(4, 4) @ torch.ones(4, 4)
    assert product.dtype == inference_dtype(device)
