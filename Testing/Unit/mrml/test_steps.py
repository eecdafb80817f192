"""Work in a thread of its own, and what becomes of it when nobody wants it any more."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from NephroSynthLib.mrml.steps import finish, in_background


def test_the_result_or_the_error_of_the_work_comes_back() -> None:
    def fail() -> None:
        raise OSError("no")

    assert finish(in_background(lambda: 3, "working")) == 3
    with pytest.raises(OSError, match="no"):
        finish(in_background(fail, "working"))


def test_when_the_work_is_ended_nothing_is_written_any_more(tmp_path: Path) -> None:
    """Slicer's event loop lets no thread run: one that is left alone would write whenever Python has its turn."""
    may_write, file = threading.Event(), tmp_path / "late"

    def write() -> None:
        may_write.wait(60.0)
        file.touch()

    steps = in_background(write, "writing")
    assert next(steps) == "writing"
    threading.Timer(0.1, may_write.set).start()
    steps.close()
    assert file.exists()
