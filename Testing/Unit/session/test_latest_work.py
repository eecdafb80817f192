"""Requests that come faster than they can be carried out."""

from __future__ import annotations

from typing import Any

import pytest

from NephroSynthLib.session.latest_work import LatestWork
from NephroSynthLib.session.steps import Change, Step, Steps


class Desk:
    """Requests, and a record of what was begun, changed and shown."""

    def __init__(self, loop: Any) -> None:
        self.begun: list[str] = []
        self.changed: list[str] = []
        self.shown: list[str] = []
        self.errors: list[Exception] = []
        self.latest = LatestWork(loop, self.errors.append)

    def ask(self, name: str, problem: Exception | None = None) -> None:
        self.latest.request(lambda: self.work(name, problem), self.shown.append)

    def work(self, name: str, problem: Exception | None) -> Steps[Change[str]]:
        self.begun.append(name)
        if problem is not None:
            raise problem
        yield Step(0.0, name)
        yield Step(0.5, name)

        def change() -> str:
            self.changed.append(name)
            return name

        return change


@pytest.fixture
def desk(loop: Any) -> Desk:
    return Desk(loop)


def test_a_request_changes_the_scene_and_is_shown(desk: Desk, loop: Any) -> None:
    desk.ask("a")
    assert desk.latest.busy
    assert desk.begun == []
    loop.run()
    assert desk.changed == desk.shown == ["a"]
    assert not desk.latest.busy


def test_of_many_requests_only_the_last_one_is_shown(desk: Desk, loop: Any) -> None:
    for name in ("a", "b", "c"):
        desk.ask(name)
    loop.run()
    assert desk.begun == ["a", "c"]
    assert desk.changed == desk.shown == ["c"]


def test_a_dropped_request_changes_nothing(desk: Desk, loop: Any) -> None:
    desk.ask("a")
    desk.ask("b")
    desk.latest.drop()
    loop.run()
    assert desk.begun == ["a"]
    assert desk.changed == desk.shown == []
    desk.ask("d")
    loop.run()
    assert desk.shown == ["d"]


def test_an_error_is_told_and_the_next_request_works(desk: Desk, loop: Any) -> None:
    desk.ask("a", ValueError("no"))
    loop.run()
    assert [str(error) for error in desk.errors] == ["no"]
    desk.ask("b")
    loop.run()
    assert desk.shown == ["b"]
