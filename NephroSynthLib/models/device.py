"""The device that networks run on, its free memory and its precision."""

from __future__ import annotations

import psutil
import torch

from NephroSynthLib.errors import Action, ResourceError


def resolve_device(name: str) -> torch.device:
    """Returns the torch device of a setting.

    Args:
        name: `auto` (CUDA, then MPS, then the CPU), `cpu`, `mps`, `cuda` or `cuda:N`.

    Raises:
        ResourceError: The device is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise ResourceError(
            f"The device {name} is not there: PyTorch sees {found} CUDA device(s).",
            Action.CHOOSE_DEVICE,
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ResourceError("PyTorch sees no Apple GPU (mps).", Action.CHOOSE_DEVICE)
    return device


def device_used(name: str) -> str:
    """Returns the device that a setting stands for on this machine, with the name of a GPU: 'cuda:0, NVIDIA H200'."""
    device = resolve_device(name)
    if device.type == "cuda":
        return f"cuda:{device.index or 0}, {torch.cuda.get_device_name(device)}"
    return str(device)


def in_words(device: torch.device) -> str:
    """Returns the device in words; for a CPU, they say if PyTorch sees no GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    return "CPU" if gpu else "CPU; PyTorch sees no GPU"


def free_memory(device: torch.device) -> int:
    """Returns the free memory of a device in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def inference_dtype(device: torch.device) -> torch.dtype:
    """Returns bfloat16 where the hardware computes in it (float16 on older GPUs), float32 elsewhere."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Returns a context in which networks run in `inference_dtype`."""
    dtype = inference_dtype(device)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)
