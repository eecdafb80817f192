"""The worker of a front end with a window: the protocol of every worker, and the jobs of a batch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_the_worker_lists_the_exams_of_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "exams.csv").write_text("exam,noncontrast,excretory\na,n.nrrd,e.nrrd\n")
    arguments = {"manifest": str(tmp_path / "exams.csv"), "out": str(tmp_path / "out")}
    with subprocess.Popen(
        [sys.executable, "-m", "NephroSynthLib.cohort.batch_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"command": "list-exams", "arguments": arguments}).encode() + b"\n")
        process.stdin.flush()
        messages = [json.loads(line) for line in process.stdout]
    assert [message["type"] for message in messages] == ["hello", "temporary", "result"]
    [exam] = messages[-1]["result"]["exams"]
    assert (exam["name"], exam["status"]) == ("a", "")
    assert not (tmp_path / "out").exists()
