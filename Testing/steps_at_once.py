"""Runs the steps of some work at once, where a test needs only their result."""

from __future__ import annotations

from typing import TypeVar

from NephroSynthLib.session.steps import Steps

T = TypeVar("T")


def finish(steps: Steps[T]) -> T:
    """Runs all steps at once and returns their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
