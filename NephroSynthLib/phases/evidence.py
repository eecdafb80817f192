"""What speaks for which phase: the phases that a series can be, and one piece of evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Source = Literal["image", "timing", "contrast", "description"]


class Phase(str, Enum):
    """Phase of contrast enhancement; OTHER is none of these."""

    NONCONTRAST = "noncontrast"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"
    OTHER = "other"


PHASES = tuple(Phase)
ENHANCED = (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
_CLEAR = 1.0


@dataclass(frozen=True)
class Evidence:
    """One observation about a series.

    Attributes:
        source: Where it was seen.
        text: What was seen, for a person to read.
        weights: Natural logarithm of how likely it is in each phase, up to a constant; 0 where it is left out.
    """

    source: Source
    text: str
    weights: Mapping[Phase, float]

    def weight(self, phase: Phase) -> float:
        """The weight for a phase."""
        return self.weights.get(phase, 0.0)

    @property
    def favours(self) -> tuple[Phase, ...]:
        """The phases that it speaks for; none when it hardly tells them apart."""
        weights = [self.weight(phase) for phase in PHASES]
        if max(weights) - min(weights) < _CLEAR:
            return ()
        return tuple(phase for phase, weight in zip(PHASES, weights, strict=True) if max(weights) - weight < _CLEAR / 2)

    def speaks_against(self, phase: Phase) -> bool:
        """Whether another phase is clearly likelier in its light."""
        return max(self.weight(other) for other in PHASES) - self.weight(phase) >= _CLEAR


def log_likelihood(value: float, normal: tuple[float, float], outlier_range: float, outliers: float) -> float:
    """Logarithm of the density of a normal distribution with a share of outliers.

    Args:
        value: Where.
        normal: Mean and standard deviation.
        outlier_range: The outliers lie anywhere in a range as long as this.
        outliers: Their share, above 0.
    """
    mean, deviation = normal
    density = math.exp(-(((value - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
    return math.log((1 - outliers) * density + outliers / outlier_range)
