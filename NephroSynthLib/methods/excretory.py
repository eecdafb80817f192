"""The excretory phase as it is: the floor below all methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from NephroSynthLib.imaging.grids import AIR_HU
from NephroSynthLib.methods.kinetic import MOST_HU
from NephroSynthLib.methods.method import HU, Case, Method
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    import torch

    from NephroSynthLib.models.bundle import ModelBundle


class ExcretoryConfig(BaseModel):
    """Configuration of the floor: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Excretory:
    """Returns the excretory phase; a method that is no better has learned nothing."""

    name: ClassVar[str] = "excretory"
    title: ClassVar[str] = "Excretory phase, unchanged"
    window_hu: ClassVar[tuple[float, float]] = (AIR_HU, MOST_HU)

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Excretory:
        """See `Method.restore`."""
        bundle.configuration(ExcretoryConfig)
        return cls()

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`."""
        progress.update(1.0, "Synthesizing the nephrographic phase")
        return case.excretory.astype(np.float32).clip(*self.window_hu)


if TYPE_CHECKING:
    _conforms: type[Method] = Excretory
