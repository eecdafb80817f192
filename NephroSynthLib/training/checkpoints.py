"""The checkpoints of a training: the last one and the one before, which takes its place if the last is damaged."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Trainer

from NephroSynthLib.errors import Action, UnreadableInputError

FOLDER = "checkpoints"
LAST, PREVIOUS = "last.ckpt", "previous.ckpt"
CHECKPOINT_STEPS = 250


class Checkpoint(NamedTuple):
    """A checkpoint that was read.

    Attributes:
        path: Its file.
        state: Its content, as Lightning saves it.
        warning: The damage of a later checkpoint, in words; empty if there is none.
    """

    path: Path
    state: dict[str, Any]
    warning: str = ""

    @property
    def step(self) -> int:
        """Optimizer steps that were done."""
        return int(self.state["global_step"])


def save(trainer: Trainer, folder: Path) -> None:
    """Saves the state of a training as the last checkpoint; the one before it becomes the previous one.

    All processes of a training must call this together; none goes on before the files have their names.
    """
    saving, last = folder / "saving.ckpt", folder / LAST
    trainer.save_checkpoint(saving)
    if trainer.is_global_zero:
        if last.exists():
            last.replace(folder / PREVIOUS)
        saving.replace(last)
    trainer.strategy.barrier()


def load(folder: Path) -> Checkpoint | None:
    """Returns the last checkpoint that can be read, or None if there is none.

    Raises:
        UnreadableInputError: There are checkpoints, and none can be read.
    """
    damaged: list[Path] = []
    for path in (folder / LAST, folder / PREVIOUS):
        if not path.exists():
            continue
        try:
            found = Checkpoint(path, torch.load(path, map_location="cpu", weights_only=True))
            if not damaged:
                return found
            words = f"The checkpoint {damaged[0]} is damaged or cut short; {path.name} of step {found.step} was used."
            return found._replace(warning=words)
        except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
            damaged.append(path)
    if damaged:
        raise UnreadableInputError(
            f"The checkpoint {damaged[0]} is damaged or cut short, and no other can be read.", Action.RESTART_TRAINING
        )
    return None
