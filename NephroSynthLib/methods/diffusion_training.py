"""Training of a denoiser by one optimizer; diffusion methods and the segmenter share it. Needs Lightning."""

from __future__ import annotations

import torch
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.losses import Distance, diffusion_loss, occupancy_dice_loss
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.methods.one_loss_training import OneLossTraining
from NephroSynthLib.methods.slab import as_slices


class DiffusionTraining(OneLossTraining):
    """Trains a denoiser on batches of `image` and, where there are, `condition`, `context` and `weight`.

    Args:
        denoiser: The model to train.
        plan: Steps and learning rate.
        distance: Distance of the network's output from its target.
        vlb_weight: Gamma of the hybrid loss (MT-DDPM, eq. 22).
        terminal: Share of the samples at the last time of the process, whose answer is the default output. Large
            structures show through the noise at all earlier times, so uniform times alone hardly teach it.
        masks: Whether the images are masks, whose overlap then counts as well.
        flat: Whether each slice of a volume is a sample of its own, with noise of its own strength.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        plan: TrainingPlan,
        *,
        distance: Distance,
        vlb_weight: float = 0.01,
        terminal: float = 0.75,
        masks: bool = False,
        flat: bool = False,
    ) -> None:
        super().__init__(plan)
        self.denoiser = denoiser
        self.distance = distance
        self.vlb_weight = vlb_weight
        self.terminal = terminal
        self.masks = masks
        self.flat = flat

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Returns the hybrid loss at random times."""
        batch = as_slices(batch) if self.flat else batch
        image, process = batch["image"], self.denoiser.process
        t = process.random_times(len(image), image.device)
        t = torch.where(torch.rand(t.shape, device=t.device) < self.terminal, process.end, t)
        return diffusion_loss(
            self.denoiser,
            image,
            batch.get("condition", image[:, :0]),
            t,
            torch.randn_like(image),
            context=batch.get("context"),
            distance=self.distance,
            vlb_weight=self.vlb_weight,
            weight=batch.get("weight"),
            clean_loss=occupancy_dice_loss if self.masks else None,
        )
