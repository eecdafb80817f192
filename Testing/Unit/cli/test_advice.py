"""The command line words every remedy, with flags and commands that it has."""

from __future__ import annotations

import re
from itertools import chain

import pytest
import typer

from NephroSynthLib.cli.advice import advice
from NephroSynthLib.cli.app import app
from NephroSynthLib.errors import Action

PANEL = ("Advanced", "Apply", "Tick", "segment name", "volume node")


@pytest.mark.parametrize("action", Action)
def test_every_remedy_is_worded_without_controls_of_the_panel(action: Action) -> None:
    words = advice(action)
    assert re.fullmatch(r"[A-Z].*\.", words)
    assert not any(control in words for control in PANEL)


@pytest.mark.parametrize("action", Action)
def test_flags_and_commands_that_a_remedy_names_exist(action: Action) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    grouped = (group.commands.values() for group in commands.values() if hasattr(group, "commands"))
    every = [*commands.values(), *chain.from_iterable(grouped)]
    flags = {flag for command in every for option in command.params for flag in option.opts}
    assert set(re.findall(r"--[a-z-]+", advice(action))) <= flags
    assert set(re.findall(r"`nephrosynth ([a-z-]+)", advice(action))) <= set(commands)


def test_no_remedy_has_no_words() -> None:
    assert advice(None) == ""
