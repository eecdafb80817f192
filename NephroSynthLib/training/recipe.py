"""A recipe: everything in which the training of one model differs from that of another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from lightning.pytorch import LightningModule
from pydantic import BaseModel, JsonValue
from torch import nn

from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.models.bundle import Task
from NephroSynthLib.training.loop import DrawSample
from NephroSynthLib.training.pool import CasePool, PreparedCase


class MakeCase(Protocol):
    """Makes the case of a simulated exam; a function of a module, so that another process can call it."""

    def __call__(self, seed: int, anatomies: AnatomyFolder | None = None) -> PreparedCase:
        """Returns the case of a seed, whose patient is drawn, or chosen by the seed from label maps."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How one model is trained and judged.

    Attributes:
        task: The stage that the model serves.
        method: Name of the method, as the bundle's header holds it.
        title: The method and its paper, for people.
        configuration: The method's own configuration.
        window_hu: The HU range that the model maps to [-1, 1].
        normalization: Further preprocessing, for people.
        network: The module whose weights the bundle holds, with the weights that training starts from.
        arrays: Names of arrays of which each case holds at least one; they tell it from a case of another task.
        make_case: Makes the case of a simulated exam.
        draw_from: Returns a function that draws samples from a pool of cases, also in another process.
        training_module: Returns the Lightning module that trains the network by a plan.
        evaluate: Returns figures of the network over the cases of a pool.
    """

    task: Task
    method: str
    title: str
    configuration: BaseModel
    window_hu: tuple[float, float]
    normalization: Mapping[str, JsonValue]
    network: nn.Module
    arrays: Collection[str]
    make_case: MakeCase
    draw_from: Callable[[CasePool], DrawSample]
    training_module: Callable[[TrainingPlan], LightningModule]
    evaluate: Callable[[CasePool], dict[str, float]]
