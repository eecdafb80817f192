"""The training loop of every diffusion model here: AdamW, warm-up and cosine decay, averaged weights, resumable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.losses import Distance, diffusion_loss, occupancy_dice_loss

Sample = dict[str, np.ndarray]
DrawSample = Callable[[np.random.Generator], Sample]
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast a model is trained.

    Attributes:
        steps: optimizer steps.
        batch_size: crops of a step.
        learning_rate: the highest; dsSNICT uses 2e-5 for a network of tens of millions of parameters.
        warm_up: steps until it is reached.
        decay: of the exponential moving average of the weights.
        distance: of the loss.
        vlb_weight: gamma of the hybrid loss (MT-DDPM eq. 22).
        terminal: share of the samples that are pure noise. What is large in a volume shows through the noise of all but
            the very last timesteps, so uniform timesteps alone would hardly teach the step that a sampler starts from.
        masks: whether the images are masks, whose overlap then counts as well.
        seed: of the initial weights, the crops, the timesteps and the noise.
    """

    steps: int
    batch_size: int = 1
    learning_rate: float = 1e-3
    warm_up: int = 200
    decay: float = 0.998
    distance: Distance = "l1"
    vlb_weight: float = 0.01
    terminal: float = 0.75
    masks: bool = False
    seed: int = 0


class DiffusionModule(pl.LightningModule):
    """Trains a denoiser on batches of `image`, `condition` and, where there are, `context` and `weight`."""

    def __init__(self, denoiser: Denoiser, plan: TrainingPlan) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.plan = plan

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """The hybrid loss at random timesteps."""
        image, process = batch["image"], self.denoiser.process
        t = process.random_times(len(image), image.device)
        t = torch.where(torch.rand(t.shape, device=t.device) < self.plan.terminal, process.end, t)
        return diffusion_loss(
            self.denoiser,
            image,
            batch["condition"],
            t,
            torch.randn_like(image),
            context=batch.get("context"),
            distance=self.plan.distance,
            vlb_weight=self.plan.vlb_weight,
            weight=batch.get("weight"),
            clean_loss=occupancy_dice_loss if self.plan.masks else None,
        )

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """AdamW (Loshchilov & Hutter 2019) with a linear warm-up and a cosine decay to a hundredth."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.plan.learning_rate, weight_decay=0.01)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _rate(self, step: int) -> float:
        done = min(1.0, step / self.plan.steps)
        return min(1.0, (step + 1) / self.plan.warm_up) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


class _Crops(IterableDataset[Sample]):
    """An endless stream of samples by seed; each worker draws its own."""

    def __init__(self, draw: DrawSample, seed: tuple[int, int]) -> None:
        self.draw = draw
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            yield self.draw(rng)


class _Reporter(Callback):
    """Tells a progress function the fraction done and the running loss."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.on_progress = on_progress
        self.loss = math.nan

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: STEP_OUTPUT, *_: object
    ) -> None:
        """Called by Lightning after each step."""
        assert isinstance(outputs, Mapping)
        loss = float(outputs["loss"])
        self.loss = loss if math.isnan(self.loss) else 0.99 * self.loss + 0.01 * loss
        total = int(trainer.max_steps)
        self.on_progress(trainer.global_step / total, f"step {trainer.global_step} of {total}, loss {self.loss:.4f}")


def fit(denoiser: Denoiser, draw: DrawSample, plan: TrainingPlan, folder: Path, on_progress: OnProgress) -> Denoiser:
    """Trains a denoiser, or goes on where an earlier call in the same folder was ended.

    Args:
        denoiser: the model; its weights are replaced by their moving average at the end.
        draw: draws a sample: arrays `image` (1, z, y, x) in [-1, 1], `condition` (K, z, y, x), and where the model
            wants them `context` (F,) and `weight` (1, z, y, x).
        plan: steps, rates, seed.
        folder: takes the checkpoints, one every 250 steps.
        on_progress: told the fraction done and the loss after each step.

    Returns:
        The denoiser, in evaluation mode, on the CPU.
    """
    torch.manual_seed(plan.seed)
    module = DiffusionModule(denoiser, plan)
    checkpoint = ModelCheckpoint(folder, save_last=True, every_n_train_steps=250, save_top_k=0)
    averaging = EMAWeightAveraging(decay=plan.decay, update_starting_at_step=min(plan.warm_up, plan.steps // 2))
    trainer = pl.Trainer(
        max_steps=plan.steps,
        devices=1,
        precision="bf16-mixed",
        gradient_clip_val=1.0,
        callbacks=[checkpoint, averaging, _Reporter(on_progress)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    last = folder / "last.ckpt"
    state: dict[str, Any] = torch.load(last, weights_only=True) if last.exists() else {"global_step": 0}
    done = state["global_step"]
    if done >= plan.steps:
        module.load_state_dict(state["state_dict"])  # the averaged weights, which Lightning sets at an end only
        return module.denoiser.cpu().eval()
    crops = _Crops(draw, (plan.seed, done))
    loader = DataLoader(crops, batch_size=plan.batch_size, num_workers=1, persistent_workers=True)
    trainer.fit(module, loader, ckpt_path=last if done else None, weights_only=True)
    return module.denoiser.cpu().eval()
