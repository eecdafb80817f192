"""The verdict on the registration of a run, read from its summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """The verdict on a registration.

    Attributes:
        passed: Whether the registration passed its gate.
        reasons: Sentences that explain the verdict.
    """

    passed: bool
    reasons: tuple[str, ...]


def registration_verdict(summary: Mapping[str, Any]) -> Verdict | None:
    """The verdict on the registration of a run.

    Args:
        summary: The content of `result.json`.

    Returns:
        The verdict, or None if the summary says nothing about a registration.
    """
    found = summary.get("registration")
    if not found:
        return None
    return Verdict(bool(found.get("passed")), tuple(str(reason) for reason in found.get("reasons", ())))
