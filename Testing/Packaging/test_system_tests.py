"""A test that lacks something is skipped with its reason, and fails where all system packages are installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).parents[1]
LACKS = {
    "Unit/dicom/test_conformance.py": "the program dciodvfy is not installed",
    "Unit/mrml/test_geometry.py": "libGL.so.1: cannot open shared object file",
}


@pytest.mark.parametrize(("packages", "status"), [("all", 1), ("", 0)])
def test_tests_that_lack_a_program_or_a_library(packages: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "slicer.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    lacking = {"PATH": "", "PYTHONPATH": str(tmp_path), "NEPHROSYNTH_SYSTEM_PACKAGES": packages}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(TESTING / file) for file in LACKS)],
        env={**os.environ, **lacking},
        cwd=TESTING.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stdout
    for reason in LACKS.values():
        listed = re.search(rf"^ +\d+ (test|file)s?: .*{re.escape(reason)}", run.stdout, re.MULTILINE)
        assert reason in run.stdout
        assert bool(listed) == (status == 0)
