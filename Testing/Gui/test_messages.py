"""The panel words every remedy with its own controls, and none with flags of the command line."""

from __future__ import annotations

import re
from typing import Any

import pytest

from NephroSynthLib.errors import Action, ResourceError

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(scope="module")
def messages(application: Any) -> Any:
    from NephroSynthPanel import messages

    return messages


@pytest.mark.parametrize("action", Action)
def test_every_remedy_is_worded_without_the_command_line(messages: Any, action: Action) -> None:
    words = messages.remedy(action)
    assert re.fullmatch(r"[A-Z].*\.", words)
    assert "--" not in words
    assert "`" not in words


def test_an_error_is_told_with_its_remedy(messages: Any) -> None:
    told = messages.in_words(ResourceError("Memory ran out.", Action.FREE_MEMORY))
    assert told.startswith("Memory ran out. ")
    assert "under Advanced" in told
    assert messages.in_words(ResourceError("Memory ran out.")) == "Memory ran out."
    assert "ZeroDivisionError" in messages.in_words(ZeroDivisionError())
