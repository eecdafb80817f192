"""A test that lacks something is skipped with its reason, and fails where all system packages are installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).parents[1]
NEEDY = {
    "program": ("Unit/dicom/test_conformance.py", {"PATH": ""}, "the program dciodvfy is not installed"),
    "library": ("Unit/mrml/test_geometry.py", {"PYTHONPATH": "{broken}"}, "libGL.so.1: cannot open shared object file"),
}


@pytest.mark.parametrize("kind", NEEDY)
@pytest.mark.parametrize(("packages", "status"), [("all", 1), ("", 0)])
def test_a_test_that_lacks_something(kind: str, packages: str, status: int, tmp_path: Path) -> None:
    file, environment, reason = NEEDY[kind]
    (tmp_path / "slicer.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    environment = {name: value.format(broken=tmp_path) for name, value in environment.items()}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTING / file)],
        env={**os.environ, **environment, "NEPHROSYNTH_SYSTEM_PACKAGES": packages},
        cwd=TESTING.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stdout
    assert reason in run.stdout
    listed = re.search(rf"^ +\d+ (test|file)s?: .*{re.escape(reason)}", run.stdout, re.MULTILINE)
    assert bool(listed) == (status == 0)
