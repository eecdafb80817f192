"""Worker programs that behave badly, and a worker without a process whose run gives the files of a folder."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from NephroSynthLib.jobs.worker import PROTOCOL
from NephroSynthLib.progress import STAGES


def program(body: str, python: str = sys.executable) -> tuple[str, ...]:
    """A worker that says hello, reads its job into `job` and then runs `body`."""
    return (
        python,
        "-u",
        "-c",
        f"""
import ctypes, json, os, shutil, sys, time
def say(kind, **fields): print(json.dumps({{"type": kind, **fields}}), flush=True)
say("hello", protocol={PROTOCOL}, version="0", pid=os.getpid())
job = json.loads(sys.stdin.readline())["arguments"]
{body}
""",
    )


def in_stage(stage: str) -> str:
    """The body of a worker that stays in a stage, deaf to everything, with a temporary folder of its own."""
    return f"""
mine = os.path.join(os.path.dirname(job["out"]), "..", "left-by-worker")
say("temporary", path=os.path.abspath(mine))
os.mkdir(mine)
say("progress", stage="{stage}", fraction=0.5, message="busy")
time.sleep(60)
"""


def giving(result: str) -> str:
    """The body of a worker whose run ends with the files of a folder."""
    return f"""
for stage in ("read", "segment", "register", "synthesize", "judge", "save"):
    say("progress", stage=stage, fraction=1.0, message=stage)
    time.sleep(0.05)
def put(file, there):
    try: os.link(file, there)
    except OSError: shutil.copy2(file, there)
shutil.copytree({result!r}, job["out"], copy_function=put)
say("result", result=json.load(open(os.path.join(job["out"], "result.json"))))
"""


class PlayedWorker:
    """A process of the session that is played in the event loop.

    Args:
        loop: The panel's event loop.
        listener: The receiver of the messages.
        result: The folder of a run, whose files the played run gives.
    """

    def __init__(self, loop: Any, listener: Any, result: Path) -> None:
        self._loop, self._listener, self._result = loop, listener, result
        self.running = True

    def write(self, data: bytes) -> None:
        message = json.loads(data)
        if "command" in message:
            self._loop.call_later(0, lambda: self._play(Path(message["arguments"]["out"])))

    def close_input(self) -> None:
        self._loop.call_later(0, lambda: self._end(130))

    def kill(self) -> None:
        self._end(130)

    def wait(self, timeout_ms: int) -> None:
        assert not self.running

    def _play(self, out: Path) -> None:
        if not self.running:
            return
        self._say("hello", protocol=PROTOCOL, version="0", pid=None)
        for stage in STAGES:
            self._say("progress", stage=stage, fraction=1.0, message=stage)
        shutil.copytree(self._result, out)
        self._say("result", result=json.loads((out / "result.json").read_text()))

    def _say(self, kind: str, **fields: Any) -> None:
        self._listener.receive_output((json.dumps({"type": kind, **fields}) + "\n").encode())

    def _end(self, status: int) -> None:
        if self.running:
            self.running = False
            self._listener.process_ended(status, False)
