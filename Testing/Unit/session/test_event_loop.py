"""The protocols of an event loop are those that the fake loop of these tests keeps."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from NephroSynthLib.session import event_loop


@pytest.mark.parametrize(
    ("protocol", "make"),
    [
        (event_loop.EventLoop, lambda loop: loop),
        (event_loop.Scheduled, lambda loop: loop.call_later(0, print)),
        (event_loop.Process, lambda loop: loop.start_worker(Listener())),
    ],
)
def test_the_fake_loop_keeps_the_protocol(loop: Any, protocol: type, make: Any) -> None:
    fake = make(loop)
    for name, member in vars(protocol).items():
        if not name.startswith("_") and inspect.isfunction(member):
            wanted = list(inspect.signature(member).parameters)[1:]
            assert list(inspect.signature(getattr(fake, name)).parameters) == wanted, name


class Listener:
    """Takes everything."""

    def receive_output(self, data: bytes) -> None:
        assert data.endswith(b"\n")
