"""The phases that a volume can show, and one piece of evidence for or against each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol

Source = Literal["image", "timing", "contrast", "description"]


class Tags(Protocol):
    """Attributes of a DICOM header by keyword; a pydicom data set and a dictionary both have this method."""

    def get(self, keyword: str, /) -> Any:
        """Returns the value of an attribute; None where the header lacks it."""


class Phase(str, Enum):
    """Phase of contrast enhancement; OTHER is none of these."""

    NONCONTRAST = "noncontrast"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"
    OTHER = "other"

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return "non-contrast" if self is Phase.NONCONTRAST else self.value


PHASES = tuple(Phase)
ENHANCED = (Phase.CORTICOMEDULLARY, Phase.NEPHROGRAPHIC, Phase.EXCRETORY)
_CLEAR = 1.0


@dataclass(frozen=True)
class Evidence:
    """One observation about a volume.

    Attributes:
        source: The kind of information that it comes from.
        text: The observation, for a person to read.
        weights: Natural logarithm of its likelihood in each phase, up to a constant; 0 for a phase that is left out.
    """

    source: Source
    text: str
    weights: Mapping[Phase, float]

    def weight(self, phase: Phase) -> float:
        """Returns the weight for a phase."""
        return self.weights.get(phase, 0.0)

    @property
    def favours(self) -> tuple[Phase, ...]:
        """The phases that it speaks for; none when it hardly tells them apart."""
        weights = [self.weight(phase) for phase in PHASES]
        if max(weights) - min(weights) < _CLEAR:
            return ()
        return tuple(phase for phase, weight in zip(PHASES, weights, strict=True) if max(weights) - weight < _CLEAR / 2)

    def speaks_against(self, phase: Phase) -> bool:
        """Tells whether it makes another phase clearly likelier."""
        return max(self.weight(other) for other in PHASES) - self.weight(phase) >= _CLEAR


def log_likelihood(value: float, normal: tuple[float, float], outlier_range: float, outliers: float) -> float:
    """Returns the logarithm of the density of a normal distribution that is mixed with uniform outliers.

    Args:
        value: The point at which the density is taken.
        normal: Mean and standard deviation.
        outlier_range: Length of the range in which the outliers lie.
        outliers: Share of the outliers, above 0.
    """
    mean, deviation = normal
    density = math.exp(-(((value - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
    return math.log((1 - outliers) * density + outliers / outlier_range)
