"""Suppression of pydicom's and highdicom's warnings, which quote names and dates of patients."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Suppresses warnings in a block, or in a function that it decorates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
