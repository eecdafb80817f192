"""Problems that the validation of settings, requests and headers finds, in words of ours.

pydantic checks them, and its own words ('Input should be a valid integer') are for programmers. The command line's
library checks flags by pydantic too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "string": "a text",
    "path": "a path",
    "tuple": "a list of numbers",
    "list": "a list",
    "model": "a group of settings",
    "dict": "a group of settings",
}
"""The type that a value should have had, by the first word of pydantic's type of problem."""


def place_of(problem: ErrorDetails) -> str:
    """Returns the name of the value with the problem; dots join the names of groups, and places in a list are left out.

    Example:
        >>> place_of({"loc": ("settings", "spacing", 2), ...})
        'settings.spacing'
    """
    return ".".join(part for part in problem["loc"] if isinstance(part, str))


def in_words(problem: ErrorDetails) -> str:
    """Returns a problem as the end of a sentence that begins with the name of the value.

    Example:
        >>> in_words({"type": "greater_than_equal", "ctx": {"ge": 1}, ...})
        'must be at least 1'
    """
    kind, context, value = problem["type"], problem.get("ctx", {}), problem["input"]
    if str(value).lower() == "nan":
        return "must be a number"
    limit = next((_number(context[name]) for name in ("ge", "le", "gt", "lt") if name in context), "")
    length = context.get("max_length", context.get("min_length", ""))
    words = {
        "missing": "has too few values" if problem["loc"] and isinstance(problem["loc"][-1], int) else "is missing",
        "extra_forbidden": "is unknown",
        "value_error": str(context.get("error", "is not valid")).rstrip("."),
        "literal_error": f"must be {context.get('expected')}",
        "greater_than_equal": f"must be at least {limit}",
        "less_than_equal": f"must be at most {limit}",
        "greater_than": f"must be more than {limit}",
        "less_than": f"must be less than {limit}",
        "too_long": "has too many values",
        "too_short": "has too few values",
        "string_pattern_mismatch": "is not valid",
        "string_too_long": f"must have at most {length} characters",
        "string_too_short": f"must have at least {length} characters",
    }
    expected = _KINDS.get(kind.split("_")[0])
    return words.get(kind) or (f"must be {expected}" if expected else "is not valid")


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
