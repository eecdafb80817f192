"""The excretory phase as it is: the floor below all methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from NephroSynthLib.methods.kinetic import Floor
from NephroSynthLib.methods.method import HU, Case, Method
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings


class Excretory(Floor):
    """Returns the excretory phase; a method that is no better has learned nothing."""

    name: ClassVar[str] = "excretory"
    title: ClassVar[str] = "Excretory phase, unchanged"

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`."""
        progress.update(1.0, "Synthesizing the nephrographic phase")
        return case.excretory.astype(np.float32).clip(*self.window_hu)


if TYPE_CHECKING:
    _conforms: type[Method] = Excretory
