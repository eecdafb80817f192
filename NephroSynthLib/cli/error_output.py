"""Prints an error in the terminal: a sentence on standard error, and JSON on standard output on demand."""

from __future__ import annotations

import json
import sys

from NephroSynthLib.errors import NephroSynthError


def print_error(error: NephroSynthError, remedy: str = "") -> None:
    """Prints an error and its remedy as a line on standard error."""
    print(f"Error: {error.what} {remedy}".rstrip(), file=sys.stderr, flush=True)


def print_error_as_json(error: NephroSynthError, remedy: str = "") -> None:
    """Prints an error as JSON on standard output: class, sentence, remedy with its code, and exit code."""
    fields = {
        "class": type(error).__name__,
        "what": error.what,
        "action": remedy,
        "code": error.action.value if error.action else None,
        "exit_code": error.exit_code,
    }
    print(json.dumps({"error": fields}, indent=2), flush=True)
