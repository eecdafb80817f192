"""The settings of a run from a form: Slicer's panel and its command line module name and fill the same fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLACES: Mapping[str, str] = {
    "device": "device",
    "seed": "seed",
    "registration": "registration.mode",
    "landmarkUse": "registration.landmark_use",
    "segmenter": "segmentation.model",
    "model": "synthesis.model",
    "steps": "synthesis.steps",
    "samples": "synthesis.samples",
    "excretoryDelay": "synthesis.excretory_delay_s",
    "nephrographicDelay": "synthesis.nephrographic_delay_s",
    "weight": "synthesis.weight_kg",
    "iodine": "synthesis.iodine_g",
    "egfr": "synthesis.egfr_ml_min",
    "spacing": "spacing",
}
"""The fields of a form, and the settings that they set; a dot separates the group from its setting."""

NOT_KNOWN = frozenset({"excretoryDelay", "nephrographicDelay", "weight", "iodine", "egfr"})
"""The fields whose number may be unknown. A spin box has no empty value, so 0 says that."""


def settings_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the library's settings, as JSON values, from the values of a form.

    Args:
        form: Values by the names in `PLACES`. A field that the form lacks keeps its default.

    Example:
        >>> settings_of({"seed": 7, "weight": 0.0, "steps": 4})
        {'seed': 7, 'synthesis': {'weight_kg': None, 'steps': 4}}
    """
    settings: dict[str, Any] = {}
    for name, value in form.items():
        *groups, setting = PLACES[name].split(".")
        target = settings
        for group in groups:
            target = target.setdefault(group, {})
        target[setting] = None if name in NOT_KNOWN and not value else value
    return settings
