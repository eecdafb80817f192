"""The interface that every synthesis method offers, and the data that cross it.

A method is one file of this room. The shared code prepares the case, calls the method and restores HU outside its
window; it knows no method. This file imports no torch, so that the names of methods cost nothing to list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, JsonValue

from NephroSynthLib import options
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import LightningModule
    from typing_extensions import Self

    from NephroSynthLib.models.bundle import ModelBundle

HU = NDArray[np.float32]
"""Hounsfield units of a volume (z, y, x); the axes point to superior, posterior and left."""

Sample = dict[str, NDArray[np.float32]]
"""Arrays of one training sample by name, as a method's network takes them, without the batch axis."""


@dataclass(frozen=True)
class Contrast:
    """How much contrast an exam shows: the enhancement of each of the `COMPARTMENTS` of the kinetics.

    The enhancement of every voxel is a mixture of these, apart from excreted contrast.

    Attributes:
        excretory: HU in the excretory phase, (compartment,).
        nephrographic: HU in the nephrographic phase, (compartment,).
    """

    excretory: NDArray[np.float64]
    nephrographic: NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Two aligned phases of one exam around its kidneys.

    Attributes:
        noncontrast: Non-contrast phase in HU.
        excretory: Excretory phase in HU, registered, on the same grid.
        spacing: Voxel size (x, y, z) in mm.
        contrast: The contrast of both phases, as far as it is known.
    """

    noncontrast: HU
    excretory: HU
    spacing: tuple[float, float, float]
    contrast: Contrast


@dataclass(frozen=True)
class Example:
    """A crop of a case whose nephrographic phase is known, augmented, to learn from.

    Attributes:
        case: The two phases.
        nephrographic: The true nephrographic phase in HU, on the grid of the case.
        kidneys: Labels of the kidneys, interpolated; above 0.25 lies a kidney.
    """

    case: Case
    nephrographic: HU
    kidneys: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast a model is trained.

    Attributes:
        steps: Optimizer steps, counted over all optimizers.
        batch_size: Crops of a step.
        learning_rate: The highest; dsSNICT uses 2e-5 for a network of tens of millions of parameters.
        warm_up: Steps until it is reached.
        decay: Decay of the exponential moving average of the weights.
        seed: Seed of the crops, the timesteps and the noise.
    """

    steps: int
    batch_size: int = options.BATCH_SIZE.default
    learning_rate: float = options.LEARNING_RATE.default
    warm_up: int = 200
    decay: float = 0.998
    seed: int = 0


class Method(Protocol):
    """Turns two aligned phases into the nephrographic phase.

    Attributes:
        name: The method's key in the registry and in the header of a bundle.
        title: The method and its paper, for people.
        window_hu: The HU range that the method works in. HU beyond it come from the non-contrast phase.
        mean_in_one_step: Whether `translate` with one step and one sample gives the mean of all samples.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    window_hu: ClassVar[tuple[float, float]]
    mean_in_one_step: ClassVar[bool]

    @classmethod
    def restore(cls, bundle: ModelBundle, device: torch.device | str) -> Self:
        """Returns the method with the configuration and the weights of a bundle, on a device.

        Raises:
            ModelError: The configuration is not one of this method, or the weights do not fit it.
        """
        ...

    def translate(self, case: Case, settings: SynthesisSettings, seed: int, progress: Progress) -> HU:
        """Returns one sample of the nephrographic phase in HU, on the grid of the case, within `window_hu`.

        Args:
            case: The two phases.
            settings: Sampler and steps, where the method samples.
            seed: Seed of any noise; the same seed on the same device gives the same voxels.
            progress: Told the fraction that is done; may cancel.

        Raises:
            ResourceError: The device has too little memory.
        """
        ...


class Trainable(Protocol):
    """A model that learns from examples.

    Attributes:
        name: The model's key among those of its task and in the header of a bundle.
        title: The method and its paper, for people.
        window_hu: The HU range that the model works in.
        normalization: How the model turns HU into the numbers of its network, for people.
        crop: Size (z, y, x) of the crops that it learns from, in voxels; z is 1 for a method that works by slices.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    window_hu: ClassVar[tuple[float, float]]
    normalization: ClassVar[Mapping[str, JsonValue]]
    crop: ClassVar[tuple[int, int, int]]

    @property
    def configuration(self) -> BaseModel:
        """Everything that the bundle's header must hold to build the method again."""
        ...

    @property
    def network(self) -> torch.nn.Module:
        """The module whose weights the bundle holds. A part that only training needs stays outside of it."""
        ...

    @classmethod
    def untrained(cls) -> Self:
        """Returns the method with the weights that training starts from, drawn by torch's global generator."""
        ...

    @staticmethod
    def sample_of(example: Example) -> Sample:
        """Returns the network's arrays of an example; runs in a worker process."""
        ...

    def training_module(self, plan: TrainingPlan) -> LightningModule:
        """Returns the module that trains `network`, with its own losses and optimizers.

        Lightning is an extra that running a model does not need, so import it inside of this function.
        """
        ...


class TrainableMethod(Method, Trainable, Protocol):
    """A synthesis method that learns from examples."""
