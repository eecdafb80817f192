"""Reads the public sources of Slicer, CTK and VTK through git."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where a name is defined."""

    repository: str
    path: str


class Sources:
    """The public sources, read through git."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders
        self._files = {name: self._git(name, "ls-tree", "-r", "--name-only", "HEAD").splitlines() for name in folders}
        self._headers = {name: {Path(file).name: file for file in files} for name, files in self._files.items()}

    def revision(self, repository: str) -> str:
        """The commit that was read."""
        return self._git(repository, "rev-parse", "HEAD").strip()

    def _git(self, repository: str, *arguments: str) -> str:
        command = ["git", "-C", str(self._folders[repository]), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace").stdout

    def header(self, repository: str, class_name: str) -> str | None:
        """Path of the header named after a class."""
        return self._headers[repository].get(f"{class_name}.h")

    def has(self, repository: str, path: str) -> bool:
        """Whether a file exists."""
        return path in self._files[repository]

    @functools.cache  # noqa: B019
    def text(self, repository: str, path: str) -> str:
        """Content of a file."""
        return self._git(repository, "show", f"HEAD:{path}")
