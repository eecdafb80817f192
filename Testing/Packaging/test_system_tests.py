"""What continuous integration must run cannot pass by being skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).parents[1]


@pytest.mark.parametrize(("packages", "status"), [("all", 1), ("", 0)])
def test_a_skipped_system_test_fails_where_all_packages_should_be_there(packages: str, status: int) -> None:
    conformance = TESTING / "Unit" / "dicom" / "test_conformance.py"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(conformance), "-k", "axial"],
        env={**os.environ, "PATH": "", "NEPHROSYNTH_SYSTEM_PACKAGES": packages},
        cwd=TESTING.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stdout
    assert "dciodvfy" in run.stdout
