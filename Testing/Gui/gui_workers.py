"""Worker programs that behave badly, and one that plays a run with a result from a folder."""

from __future__ import annotations

import sys

from NephroSynthLib.jobs.worker import PROTOCOL


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
shutil.copytree({result!r}, job["out"])
say("result", result=json.load(open(os.path.join(job["out"], "result.json"))))
"""
