"""The weight of evidence that a candidate is a kidney, and that two candidates are the kidneys of one patient.

Each measurement contributes a log-likelihood ratio: its density among kidneys against its density among pieces that a
network mistakes for a kidney. The ratios are added (naive Bayes). Among kidneys the density is a normal distribution
with a share of outliers; among mistakes it is uniform over the same range. So one odd measurement costs a limited
amount, and a malrotated, an obstructed or a very large kidney is still found.

The distributions are those of real kidneys, made wider because patients differ more than the samples:

- KiTS19, every fourth mask, 53 patients (Heller et al., arXiv 1904.00445); kidneys with less than 30 ml of tumour:
  logarithm of the volume in ml 5.30 ± 0.30; length over the mean of width and thickness 1.95 ± 0.17; left against
  right: logarithm of the volume ratio ± 0.18, height differs by 17 ± 15 mm, depth by 15 ± 11 mm, distance 145 ± 22 mm.
- Four label maps of the TotalSegmentator data set (Wasserthal et al., Radiology: AI 2023), 8 kidneys: distance from the
  midline 64 ± 9 mm, centre 9 ± 8 mm in front of the middle of the vertebrae; stomach and colon 60 to 113 mm in front,
  liver 65 to 81 mm.
- The kidneys lie between T12 and L3, the left one 1 to 2 cm higher, their long axes inclined by 10 to 30 degrees
  (Standring, Gray's Anatomy, 41st edition, chapter 74).
- Unenhanced parenchyma has 30 ± 8 HU; enhanced parenchyma 50 to 220 HU (see `NephroSynthLib.simulation.attenuation`).
  Bowel, stomach, ascites and cysts are mostly as dark as water.
- One kidney is missing in about 1 in 1000 people by birth, and in far more of those who get a CT urography after a
  nephrectomy; 5 % is assumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from NephroSynthLib.segmentation.pieces import Piece


@dataclass(frozen=True)
class Prior:
    """Distribution of a measurement among kidneys.

    Attributes:
        mean: Its mean.
        deviation: Its standard deviation.
        span: Length of the range in which the values of outliers and of mistakes lie.
        outliers: Share of kidneys that have any value in that range.
    """

    mean: float
    deviation: float
    span: float
    outliers: float = 0.05

    def weight(self, value: float) -> float:
        """Returns the log-likelihood ratio of a value, kidney against mistake."""
        normal = math.exp(-(((value - self.mean) / self.deviation) ** 2) / 2)
        density = normal * self.span / (self.deviation * math.sqrt(2 * math.pi))
        return math.log((1 - self.outliers) * density + self.outliers)

    def weight_above(self, value: float) -> float:
        """Returns the evidence of a value that speaks against a kidney above the mean and says nothing below it."""
        return min(0.0, self.weight(max(value, self.mean)))


PROBABILITY = Prior(0.92, 0.035, 0.5)
LOG_ML = Prior(5.2, 0.5, 5.3)
LATERAL_MM = Prior(64.0, 16.0, 140.0, 0.03)
AHEAD_MM = Prior(14.0, 14.0, 180.0)
ELONGATION = Prior(2.0, 0.35, 3.0)
INCLINATION_DEGREES = Prior(20.0, 13.0, 90.0)
CONTINUED = Prior(0.0, 0.12, 2.0, 0.02)
LUNG = Prior(0.0, 0.05, 2.0, 0.02)
UNENHANCED_HU, FLUID_HU = (30.0, 8.0), (10.0, 12.0)

LOG_RATIO = Prior(0.0, 0.25, 6.0, 0.08)
HU_DIFFERENCE = Prior(0.0, 12.0, 200.0, 0.08)
SPREAD_DIFFERENCE_HU = Prior(0.0, 8.0, 60.0, 0.15)
LEFT_HIGHER_MM = Prior(8.0, 25.0, 300.0)
LEFT_BEHIND_MM = Prior(0.0, 20.0, 160.0)
ASYMMETRY_MM = Prior(0.0, 22.0, 200.0)

MISSING = math.log(0.05)
"""Weight of one kidney alone, where the place of the other one is in view."""
UNSEEN = math.log(0.4)
"""Weight of one kidney alone, where the place of the other one is out of view."""


def kidney_weight(candidate: Piece) -> float:
    """Returns the evidence that a candidate is a kidney; 0 is even odds."""
    weight = weight_without_place(candidate)
    if candidate.lateral_known:
        weight += LATERAL_MM.weight(abs(candidate.lateral_mm))
    if candidate.ahead_mm is not None:
        weight += AHEAD_MM.weight(candidate.ahead_mm)
    return weight


def weight_without_place(candidate: Piece) -> float:
    """Returns the evidence that a candidate is a kidney at any place, as a transplanted kidney is.

    A part of a kidney in view tells nothing about its shape and bounds its volume from below.
    """
    weight = PROBABILITY.weight(min(candidate.probability, PROBABILITY.mean))
    weight += CONTINUED.weight(candidate.continued) + LUNG.weight_above(candidate.lung) + hu_weight(candidate.hu)
    if candidate.cut:
        return weight + LOG_ML.weight_above(math.log(candidate.ml))
    weight += LOG_ML.weight(math.log(candidate.ml)) + ELONGATION.weight(candidate.elongation)
    return weight + INCLINATION_DEGREES.weight(math.degrees(math.acos(min(1.0, candidate.upright))))


def pair_weight(right: Piece, left: Piece) -> float:
    """Returns the evidence that two kidneys belong together: alike in HU, texture and size, at mirrored places."""
    weight = HU_DIFFERENCE.weight(left.hu - right.hu)
    weight += SPREAD_DIFFERENCE_HU.weight(left.spread_hu - right.spread_hu)
    weight += LEFT_HIGHER_MM.weight(left.centre_mm[0] - right.centre_mm[0])
    weight += LEFT_BEHIND_MM.weight(left.centre_mm[1] - right.centre_mm[1])
    weight += ASYMMETRY_MM.weight(left.lateral_mm + right.lateral_mm)
    if not (right.cut or left.cut):
        weight += LOG_RATIO.weight(math.log(left.ml / right.ml))
    return weight


def hu_weight(hu: float) -> float:
    """Returns the evidence of a median HU. A third of the images is unenhanced, and fluid fills few kidneys."""
    kidney = 0.33 * _normal(hu, UNENHANCED_HU) + (0.64 / 170 if 50 <= hu <= 220 else 0.0) + 0.03 / 300
    mistake = 0.4 * _normal(hu, FLUID_HU) + 0.6 / 300
    return math.log(kidney / mistake)


def _normal(value: float, normal: tuple[float, float]) -> float:
    mean, deviation = normal
    return math.exp(-(((value - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
