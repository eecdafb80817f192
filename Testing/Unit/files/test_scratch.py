"""Temporary data goes when its work ends; nothing is committed after an abandonment."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from NephroSynthLib.files import scratch


@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_what_is_left_of_a_temporary_path_is_removed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "temporary"
    with scratch.temporary(path):
        if kind == "file":
            path.write_text("data")
        elif kind == "folder":
            (path / "inner").mkdir(parents=True)
            (path / "inner" / "file").write_text("data")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only file system refuses to remove even what is not there."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    scratch.remove(tmp_path / "absent")


def test_it_is_removed_after_an_error(tmp_path: Path) -> None:
    def work() -> None:
        with scratch.temporary(tmp_path / "temporary") as path:
            path.write_text("data")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert list(tmp_path.iterdir()) == []


def test_the_watcher_hears_of_a_path_before_it_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    existed: list[tuple[Path, bool]] = []
    monkeypatch.setattr(scratch, "_watcher", None)
    scratch.watch(lambda path: existed.append((path, path.exists())))
    with scratch.temporary(tmp_path / "temporary") as path:
        path.mkdir()
    assert existed == [(path, False)]


def test_a_link_is_removed_and_what_it_points_to_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    scratch.remove(tmp_path / "link")
    assert list(tmp_path.iterdir()) == [target]


def test_no_thread_commits_after_an_abandonment(tmp_path: Path) -> None:
    program = """
import os, sys, threading, time
from pathlib import Path
from NephroSynthLib.files import scratch

folder = Path(sys.argv[1])
begun, abandoned = threading.Event(), threading.Event()

def write():
    with scratch.temporary(folder / "temporary") as temporary:
        temporary.write_text("data")
        begun.set()
        abandoned.wait()
        with scratch.commit():
            (folder / "target").write_text("late")

threading.Thread(target=write, daemon=True).start()
begun.wait()
scratch.abandon()
abandoned.set()
time.sleep(0.2)
os._exit(7)
"""
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 7
    assert list(tmp_path.iterdir()) == []
