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


@pytest.mark.parametrize("fails", [False, True])
def test_who_ends_the_work_does_not_wait_for_it_and_what_it_still_writes_is_removed(
    tmp_path: Path, fails: bool
) -> None:
    may_write, removed = threading.Event(), threading.Event()
    file = tmp_path / "late"

    def write() -> None:
        may_write.wait()
        file.touch()
        if fails:
            raise OSError("no")

    def remove() -> None:
        file.unlink()
        removed.set()

    steps = in_background(write, "writing", remove)
    assert next(steps) == "writing"
    steps.close()
    assert not removed.is_set()
    may_write.set()
    assert removed.wait(60.0)
    assert not file.exists()
