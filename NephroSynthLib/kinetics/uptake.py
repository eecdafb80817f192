"""Shares of blood and interstitial fluid in tissues that a CT shows well.

The enhancement of such a tissue is: share of blood times enhancement of its blood, plus share of interstitium times
enhancement of interstitial fluid.
"""

from __future__ import annotations

UPTAKE_SD = 0.1
"""Standard deviation of the logarithm of a tissue's uptake between patients: liver 57 ± 7 to 12 HU in one protocol."""

ORGAN_UPTAKE: dict[str, tuple[float, float]] = {
    "blood": (1.0, 0.0),
    "liver": (0.24, 0.3),
    "spleen": (0.52, 0.2),
    "muscle": (0.04, 0.16),
}
"""Share of blood and of interstitium by tissue. The liver takes up 53 to 61 HU in the portal venous phase."""

VENOUS_ORGANS = frozenset({"liver", "muscle"})
"""Tissues with the blood of `Enhancement.veins`; the others have that of `Enhancement.blood`."""
