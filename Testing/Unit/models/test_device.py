from __future__ import annotations

import pytest
import torch

from NephroSynthLib.errors import ResourceError
from NephroSynthLib.models.device import autocast, device_used, free_memory, in_words, inference_dtype, resolve_device


def test_auto_is_a_device_that_computes() -> None:
    device = resolve_device("auto")
    assert torch.ones(2, device=device).sum().item() == 2


def test_the_device_used_is_never_called_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_used("cpu") == "cpu"
    assert device_used("auto").startswith(resolve_device("auto").type)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU of the test")
    assert device_used("auto") == "cuda:0, GPU of the test"


def test_a_gpu_that_is_not_there_is_refused_with_what_to_do() -> None:
    with pytest.raises(ResourceError, match="cuda:99 is not there") as error:
        resolve_device("cuda:99")
    assert error.value.exit_code == 5


@pytest.mark.parametrize(("gpu", "words"), [(False, "CPU; PyTorch sees no GPU"), (True, "CPU")])
def test_a_user_is_told_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, gpu: bool, words: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert in_words(torch.device("cpu")) == words


def test_memory_is_counted_in_bytes() -> None:
    assert free_memory(torch.device("cpu")) > 2**24


def test_autocast_computes_in_the_inference_type() -> None:
    device = torch.device("cpu")
    with autocast(device):
        product = torch.ones(4, 4) @ torch.ones(4, 4)
    assert product.dtype == inference_dtype(device)
