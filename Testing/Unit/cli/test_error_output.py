"""An error as a line and as JSON."""

from __future__ import annotations

import json

import pytest

from NephroSynthLib.cli.error_output import print_error, print_error_as_json
from NephroSynthLib.errors import Action, UsageError


def test_an_error_is_a_line_on_standard_error_and_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    error = UsageError("The folder is full.", Action.CHOOSE_FOLDER)
    print_error(error, "Choose another --out.")
    print_error_as_json(error, "Choose another --out.")
    told = capsys.readouterr()
    assert told.err == "Error: The folder is full. Choose another --out.\n"
    assert json.loads(told.out)["error"] == {
        "class": "UsageError",
        "what": "The folder is full.",
        "action": "Choose another --out.",
        "code": "choose-folder",
        "exit_code": 2,
    }
