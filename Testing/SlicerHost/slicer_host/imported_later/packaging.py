"""slicer.packaging.pip_install (Slicer/Base/Python/slicer/packaging.py): runs pip of Slicer's own Python."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path


def pip_install(
    requirements: str | list[str],
    constraints: str | Path | None = None,
    no_deps_requirements: str | list[str] | None = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
) -> None:
    """Installs packages; subprocess.CalledProcessError where pip fails."""
    if no_deps_requirements or skip_packages or not blocking:
        raise ValueError(
            "this host installs plainly: no_deps_requirements, skip_packages, blocking=False are not offered"
        )
    wanted = shlex.split(requirements) if isinstance(requirements, str) else list(requirements)
    held = ["--constraint", str(constraints)] if constraints is not None else []
    subprocess.run(
        ["PythonSlicer", "-m", "pip", "install", *held, *wanted], check=True, capture_output=not show_progress
    )


def pip_uninstall(requirements: str | list[str]) -> None:
    """Removes packages; subprocess.CalledProcessError where pip fails."""
    wanted = shlex.split(requirements) if isinstance(requirements, str) else list(requirements)
    subprocess.run(["PythonSlicer", "-m", "pip", "uninstall", "--yes", *wanted], check=True)
