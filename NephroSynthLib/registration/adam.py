"""Adam for one tensor; the class of torch loads torch's compiler, which takes seconds.

Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

_FIRST_DECAY, _SECOND_DECAY, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Moves a tensor against gradients.

    Args:
        parameters: The tensor, which each step changes in place.
    """

    def __init__(self, parameters: Tensor) -> None:
        self._parameters = parameters
        self._first, self._second = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """Takes one step.

        Args:
            gradient: Gradient of the loss, of the shape of the tensor.
            rate: The learning rate, about the largest change of a value.
        """
        self._steps += 1
        self._first.lerp_(gradient, 1 - _FIRST_DECAY)
        self._second.lerp_(gradient.square(), 1 - _SECOND_DECAY)
        mean = self._first / (1 - _FIRST_DECAY**self._steps)
        spread = (self._second / (1 - _SECOND_DECAY**self._steps)).sqrt()
        self._parameters -= rate * mean / (spread + _EPSILON)
