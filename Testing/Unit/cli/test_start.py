"""Ctrl-C during the start of the command."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
from NephroSynthLib.cli.start import main
sys.argv = ["nephrosynth", "models", "list", *{flags!r}]
main()
"""


@pytest.mark.parametrize("module", ["typer", "pydantic", "NephroSynthLib.cli.work"])
def test_ctrl_c_while_libraries_load_is_a_cancellation_without_a_traceback(module: str) -> None:
    program = PROGRAM.format(module=module, flags=["--json"])
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr == "Error: Cancelled. Nothing was written.\n"
    assert json.loads(ended.stdout)["error"]["class"] == "Cancelled"


def test_the_start_runs_the_command_line() -> None:
    program = PROGRAM.format(module="no-such-module", flags=["--quiet"])
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
