"""Training of SynDiff on unpaired slices: adversarial diffusion and cycles (Özbey et al. 2023). Needs Lightning."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from NephroSynthLib.diffusion.denoiser import Denoiser
from NephroSynthLib.diffusion.process import spread
from NephroSynthLib.methods.adversarial_training import AdversarialTraining, unpaired
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.networks.adversarial_loss import discriminator_loss, generator_loss, gradient_penalty
from NephroSynthLib.networks.patch_gan import PatchGAN
from NephroSynthLib.networks.translator import Translator
from NephroSynthLib.networks.unet import unet

CYCLE_WEIGHT = 0.5
PENALTY = 0.05
"""Weight of the gradient penalty, eta of the paper times one half."""


class _Made(NamedTuple):
    """The images of one step that the discriminators judge."""

    target: Tensor
    as_target: Tensor
    as_source: Tensor
    later: Tensor
    real: Tensor
    fake: Tensor
    label: Tensor


class SynDiffTraining(AdversarialTraining):
    """Trains a denoiser and two translators on batches of `image` and `condition`, whose pairs it shuffles.

    The translators turn the phases into the target and back, and so give each target the phases
    that the denoiser needs.

    Args:
        denoiser: The model to train, of a process of few large steps.
        steps: The number of these steps.
        plan: Steps and learning rate.
    """

    def __init__(self, denoiser: Denoiser, steps: int, plan: TrainingPlan) -> None:
        ahead, back = (
            Translator(unet(flat=True, image_channels=0, condition_channels=given, out_channels=made))
            for given, made in ((2, 1), (1, 2))
        )
        generators = nn.ModuleDict({"denoiser": denoiser, "ahead": ahead, "back": back})
        target, source, diffusion = PatchGAN(1, flat=True), PatchGAN(2, flat=True), PatchGAN(2, flat=True, timed=True)
        discriminators = nn.ModuleDict({"target": target, "source": source, "diffusion": diffusion})
        super().__init__(generators, discriminators, plan, flat=True)
        self.denoiser, self.ahead, self.back = denoiser, ahead, back
        self.target, self.source, self.diffusion = target, source, diffusion
        self.steps = steps

    def answer(self, batch: dict[str, Tensor]) -> Tensor:
        """Returns the clean image at pure noise, the first of the steps; see `AdversarialTraining.answer`."""
        noise, process = torch.randn_like(batch["image"]), self.denoiser.process
        t = torch.full((len(noise),), process.end, device=noise.device)
        clean: Tensor = self.denoiser(process.prior(noise), t, batch["condition"]).clean
        return clean

    def made_and_loss(self, batch: dict[str, Tensor]) -> tuple[_Made, Tensor]:
        """See `AdversarialTraining.made_and_loss`; adversarial losses and cycles of both kinds of generator."""
        phases, target = batch["condition"], unpaired(batch["image"])
        as_target, as_source = self.ahead(phases), self.back(target)
        t, s = self._step_times(len(target), target.device)
        x_t = self.denoiser.process.add_noise(target, torch.randn_like(target), t)
        clean = self.denoiser(x_t, t, as_source).clean
        label = self.denoiser.process.label(t)
        fake, real = (self._posterior_sample(x0, x_t, t, s) for x0 in (clean, target))
        adversarial = (
            generator_loss(self.target(as_target))
            + generator_loss(self.source(as_source))
            + generator_loss(self.diffusion(torch.cat([fake, x_t], 1), label))
        )
        cycles = (
            (self.back(as_target) - phases).abs().mean()
            + (self.ahead(as_source) - target).abs().mean()
            + (clean - target).abs().mean()
        )
        made = _Made(target, as_target.detach(), as_source.detach(), x_t, real, fake.detach(), label)
        return made, adversarial + CYCLE_WEIGHT * cycles

    def judged_loss(self, batch: dict[str, Tensor], made: _Made) -> Tensor:
        """See `AdversarialTraining.judged_loss`; with a gradient penalty at real images of the process."""
        real = made.real.detach().requires_grad_()
        logits = self.diffusion(torch.cat([real, made.later], 1), made.label)
        return (
            discriminator_loss(self.target(made.target), self.target(made.as_target))
            + discriminator_loss(self.source(batch["condition"]), self.source(made.as_source))
            + discriminator_loss(logits, self.diffusion(torch.cat([made.fake, made.later], 1), made.label))
            + PENALTY * gradient_penalty(logits, real)
        )

    def _step_times(self, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Returns random times and those one large step before them."""
        times = torch.tensor(self.denoiser.process.times(self.steps), device=device)
        index = torch.randint(self.steps, (count,), device=device)
        return times[index], times[index + 1]

    def _posterior_sample(self, clean: Tensor, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Returns x_s drawn from q(x_s | x_t, x_0) with a clean image as x_0."""
        posterior = self.denoiser.process.posterior(t, s)
        mean = spread(posterior.clean, clean) * clean + spread(posterior.noisy, clean) * x_t
        return mean + spread(posterior.variance.sqrt(), clean) * torch.randn_like(clean)
