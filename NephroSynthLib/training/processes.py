"""The processes of one training, one a device, which torchrun starts with the same command.

A step of the training takes the same crops however many processes share them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from NephroSynthLib.errors import Action, UsageError

if TYPE_CHECKING:
    import torch

PATIENCE = timedelta(hours=6)
"""The longest that a process waits for the others: the first one prepares exams before the training, and judges the
model after it."""


def count() -> int:
    """Returns the number of processes; 1 where torchrun did not start this one."""
    return _told("WORLD_SIZE", 1)


def on_this_machine() -> int:
    """Returns the number of processes on this machine."""
    return _told("LOCAL_WORLD_SIZE", 1)


def rank() -> int:
    """Returns the number of this process, from 0 on; process 0 prepares, judges and writes."""
    return _told("RANK", 0)


def is_first() -> bool:
    """Tells whether this process prepares, judges and writes."""
    return rank() == 0


def _told(name: str, alone: int) -> int:
    """Returns a number that torchrun tells; `alone` where it did not start this process."""
    return int(os.environ[name]) if "TORCHELASTIC_RUN_ID" in os.environ else alone


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Connects the processes for as long as the context is open. It does nothing for one process, or a second time.

    Args:
        device: The kind of device that they compute on. Each process of a machine takes a GPU of its own.

    Raises:
        UsageError: The device is one GPU among several, which the processes cannot share.
    """
    import torch

    if count() == 1 or torch.distributed.is_initialized():
        yield
        return
    if device.index is not None:
        raise UsageError(f"{count()} processes cannot train on the one device {device}.", Action.CHOOSE_DEVICE)
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()


def wait_for_all() -> None:
    """Waits until each process has come here."""
    if count() > 1:
        import torch

        torch.distributed.barrier()


def share(batch_size: int) -> int:
    """Returns the crops of a step that each process takes.

    Args:
        batch_size: Crops of a step.

    Raises:
        UsageError: The processes cannot share them evenly.
    """
    if batch_size % count():
        raise UsageError(
            f"{count()} processes cannot share the {batch_size} crops of a step evenly.", Action.CHOOSE_BATCH_SIZE
        )
    return batch_size // count()
