"""Figures as text with enough decimals to differ from a limit."""

from __future__ import annotations

MOST_DECIMALS = 6


def beside(value: float, limit: float, decimals: int = 2) -> tuple[str, str]:
    """Returns a value and its limit as text, with more decimals where both would look equal and are not.

    Args:
        value: The figure.
        limit: The figure that it is compared with.
        decimals: The least number of decimals.

    Example:
        >>> beside(0.6497, 0.65)
        ('0.6497', '0.6500')
    """
    texts = [f"{figure:.{decimals}f}" for figure in (value, limit)]
    if texts[0] == texts[1] and value != limit and decimals < MOST_DECIMALS:
        return beside(value, limit, decimals + 1)
    return texts[0], texts[1]
