"""Silence for pydicom and highdicom, whose warnings quote what they find odd: names and dates of patients among it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps warnings from being shown; as a block, or as the decorator of a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
