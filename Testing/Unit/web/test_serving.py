"""Tests the command `view` up to the start of its server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from NephroSynthLib.errors import UnreadableInputError, UsageError
from NephroSynthLib.progress import Progress
from NephroSynthLib.web import serving
from NephroSynthLib.web.serving import ViewRequest, free_port, link, pages_of, serve
from NephroSynthLib.web.viewed_exams import ViewedExam


def test_a_folder_without_results_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError):
        serve(ViewRequest(folder=tmp_path), Progress())


@pytest.mark.parametrize("place", ["file/ratings.csv", "folder", "x" * 300])
def test_ratings_that_cannot_be_written_are_refused_before_the_server_starts(
    result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(serving, "need_trame", lambda: pytest.fail("the work began"))
    with pytest.raises(UsageError, match="output path"):
        serve(ViewRequest(folder=result, ratings=tmp_path / place), Progress())


def test_missing_packages_are_told(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="not installed") as caught:
        serve(ViewRequest(folder=result), Progress())
    assert caught.value.action is not None
    assert caught.value.action.value == "install-view"


def test_only_this_machine_reaches_the_page_unless_another_host_is_given(tmp_path: Path) -> None:
    assert ViewRequest(folder=tmp_path).host == "127.0.0.1"


def test_the_pages_are_the_files_of_the_folder(result: Path, tmp_path: Path) -> None:
    exams = [ViewedExam("a", result, "passed", ""), ViewedExam("b", None, "failed", "")]
    (result.parent / "reading.html").touch()
    assert pages_of(result.parent, exams) == {
        "/report/0": result / "report.html",
        "/study": result.parent / "reading.html",
    }
    assert pages_of(result, exams[:1]) == {"/report/0": result / "report.html"}
    (tmp_path / "report.html").symlink_to(result / "report.html")
    assert pages_of(tmp_path, []) == {}


def test_a_taken_port_is_refused_and_zero_finds_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be used"):
            free_port("127.0.0.1", taken.getsockname()[1])
    assert free_port("127.0.0.1", 0) > 0
    with pytest.raises(UsageError):
        free_port("no such host", 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81/?token=t"),
        ("::1", "http://[::1]:81/?token=t"),
        ("node7", "http://node7:81/?token=t"),
        ("0.0.0.0", f"http://{socket.gethostname()}:81/?token=t"),
    ],
)
def test_the_link_holds_host_port_and_token(host: str, address: str) -> None:
    assert link(host, 81, "t", "token") == address
