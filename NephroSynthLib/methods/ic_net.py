"""IC-Net: evens out the intensities of neighbouring slices (Jeong et al. 2023, MICCAI, section 3.3).

It is no synthesizer but a post-process of slices that were synthesized one by one: `calibrate`. As a method it
calibrates the kinetic baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from pydantic import JsonValue

from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU, from_window, to_window
from NephroSynthLib.methods.kinetic import Kinetic
from NephroSynthLib.methods.method import HU, Case, Example, Sample, TrainableMethod, TrainingPlan
from NephroSynthLib.methods.slab import SLAB
from NephroSynthLib.methods.translation import Translation, TranslatorConfig
from NephroSynthLib.networks.blocks import Size
from NephroSynthLib.networks.unet import unet
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    from NephroSynthLib.methods.ic_net_training import IcNetTraining


class IcNet(Translation):
    """IC-Net slice by slice, from head to foot."""

    name: ClassVar[str] = "ic-net"
    title: ClassVar[str] = "IC-Net (doi 10.1007/978-3-031-43999-5_35), small, on the kinetic baseline"
    crop: ClassVar[Size] = SLAB
    normalization: ClassVar[Mapping[str, JsonValue]] = {"channels": ["slice to calibrate", "slice above it"]}
    default: ClassVar[TranslatorConfig] = TranslatorConfig(
        network=unet(flat=True, image_channels=0, condition_channels=2)
    )

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """See `TrainableMethod.sample_of`; the inputs come from the nephrographic phase alone."""
        image = to_window(example.nephrographic)[None].astype(np.float32)
        return {"image": image[:, :-1], "before": image[:, 1:]}

    def calibrate(self, hu: HU) -> HU:
        """Returns a volume whose slices are calibrated one after the other, each by the calibrated slice above it.

        Args:
            hu: Shape (z, y, x), from foot to head; values outside of the window 400/50 stay, and so does the top slice.
        """
        device = next(self.network.parameters()).device
        slices = torch.from_numpy(to_window(hu).astype(np.float32)).to(device)
        with torch.inference_mode():
            for z in range(len(hu) - 2, -1, -1):
                pair = torch.stack([slices[z], slices[z + 1]])[None, :, None]
                slices[z] = self.network(pair)[0, 0, 0].clamp(-1, 1)
        inside = (hu > LOWER_HU) & (hu < UPPER_HU)
        return np.where(inside, from_window(slices).cpu().numpy(), hu).astype(np.float32)

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """See `Method.translate`; calibrates the kinetic baseline."""
        return self.calibrate(Kinetic().translate(case, settings, seed, progress)).clip(*self.window_hu)

    def training_module(self, plan: TrainingPlan) -> IcNetTraining:
        """Returns the training by itself; see `TrainableMethod`."""
        from NephroSynthLib.methods.ic_net_training import IcNetTraining

        return IcNetTraining(self.network, plan)


if TYPE_CHECKING:
    _conforms: type[TrainableMethod] = IcNet
