"""Conversion of values to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite(value: object) -> Any:
    """Returns a value with None for each number that is not finite, and with lists for tuples, as JSON needs them."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
