"""CUT: contrastive unpaired translation, slice by slice (Park et al. 2020).

The method knows no pairs, and so no exam's contrast. Its encoder sees the two phases as two channels, and the output of
the generator, or a nephrographic slice, as two equal ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import JsonValue
from torch import Tensor

from NephroSynthLib.methods.condition import BOTH_WINDOWS, both_windows, unpaired_sample
from NephroSynthLib.methods.method import Case, Example, Sample, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.methods.translation import Translation, TranslatorConfig
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.unet import unet

if TYPE_CHECKING:
    from NephroSynthLib.methods.cut_training import CutTraining


class Cut(Translation):
    """CUT slice by slice."""

    name: ClassVar[str] = "cut"
    title: ClassVar[str] = "CUT, unpaired, 2D (arXiv 2007.15651), small"
    crop: ClassVar[Size] = SLAB
    normalization: ClassVar[Mapping[str, JsonValue]] = BOTH_WINDOWS
    default: ClassVar[TranslatorConfig] = TranslatorConfig(
        network=unet(flat=True, image_channels=0, condition_channels=2)
    )

    @staticmethod
    def inputs(case: Case) -> tuple[Tensor, Tensor | None]:
        """See `Translation.inputs`."""
        return torch.from_numpy(both_windows(case))[None], None

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`."""
        return unpaired_sample(example)

    def training_module(self, plan: TrainingPlan) -> CutTraining:
        """Returns the training on shuffled pairs; see `TrainableMethod`."""
        from NephroSynthLib.methods.cut_training import CutTraining

        return CutTraining(self.network, plan)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = Cut
