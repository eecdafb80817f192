"""The bars of a job follow its messages."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from NephroSynthLib.cli.progress_bars import SHARES, ProgressDisplay


def shown(command: str, events: list[tuple[str, float, str]], *, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, no_color=True, width=100, height=40)
    with ProgressDisplay(command, console) as display:
        for stage, fraction, text in events:
            display.show({"type": "progress", "stage": stage, "fraction": fraction, "message": text})
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())


def last_line_of(name: str, text: str) -> str:
    return next(line for line in reversed(text.splitlines()) if f" {name} " in line)


@pytest.mark.parametrize("command", SHARES)
def test_the_whole_is_done_when_all_stages_are(command: str) -> None:
    text = shown(command, [(stage, done, "") for stage in SHARES[command] for done in (0.0, 1.0)], terminal=True)
    for name in [*SHARES[command], "all"] if len(SHARES[command]) > 1 else SHARES[command]:
        assert "100%" in last_line_of(name, text)


def test_a_stage_appears_when_it_begins_with_its_message_as_it_is() -> None:
    text = shown("run", [("read", 1.0, ""), ("segment", 0.25, "[bold] step 1 of 4")], terminal=True)
    assert "100%" in last_line_of("read", text)
    assert "25%" in last_line_of("segment", text)
    assert "[bold] step 1 of 4" in last_line_of("segment", text)
    assert "register" not in text


def test_a_skipped_stage_counts_for_the_whole() -> None:
    text = shown("run", [("read", 1.0, ""), ("save", 1.0, "")], terminal=True)
    assert "100%" in last_line_of("all", text)
    assert "segment" not in text


def test_without_a_terminal_there_is_a_line_when_a_stage_begins_and_one_when_it_ends() -> None:
    events = [("read", 0.0, ""), ("read", 0.5, ""), ("read", 1.0, ""), ("read", 1.0, ""), ("segment", 0.1, "")]
    lines = shown("run", events, terminal=False).splitlines()
    assert lines[0] == "read ..."
    assert lines[1].startswith("read done in ")
    assert lines[2:] == ["segment ..."]


def test_without_a_terminal_a_long_stage_prints_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a training whose output goes to a file can be followed."""
    clock = iter([0.0, 10.0, 35.0, 40.0, 70.0, 71.0])
    monkeypatch.setattr("NephroSynthLib.cli.progress_bars.time.monotonic", lambda: next(clock))
    events = [("train", 0.1 * step, f"step {step} of 10, loss 0.1") for step in range(5)]
    text = shown("train", [*events, ("train", 1.0, "")], terminal=False)
    assert text.splitlines() == [
        "train ...",
        "train 20% step 2 of 10, loss 0.1",
        "train 40% step 4 of 10, loss 0.1",
        "train done in 71.0 s",
    ]
