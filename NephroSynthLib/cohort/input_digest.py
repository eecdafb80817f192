"""Digests of the files that a run reads, which tell whether an exam has changed since it was computed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

MISSING = "missing"


class InputDigest(BaseModel):
    """The state of a file or folder.

    Attributes:
        signature: Digest of the names, sizes and times of change of its files, which is quick to compute.
        sha256: Digest of the content of its files, whatever their names; 'missing' if nothing is there.
    """

    model_config = ConfigDict(frozen=True)

    signature: str
    sha256: str


def digest_inputs(inputs: Mapping[str, Path], known: Mapping[str, InputDigest]) -> dict[str, InputDigest]:
    """Returns the state of each input.

    Args:
        inputs: Files and folders by role.
        known: Earlier states by role. Where names, sizes and times are as they were, the content is not read again.

    Raises:
        OSError: A file cannot be read.
    """
    return {role: _digest(path, known.get(role)) for role, path in inputs.items()}


def _digest(path: Path, known: InputDigest | None) -> InputDigest:
    signature = _signature(path)
    if known is not None and known.signature == signature:
        return known
    if signature == MISSING:
        return InputDigest(signature=MISSING, sha256=MISSING)
    contents = sorted(_content(file) for _, file in _files(path))
    return InputDigest(signature=signature, sha256=hashlib.sha256(b"".join(contents)).hexdigest())


def _signature(path: Path) -> str:
    if not path.exists():
        return MISSING
    digest = hashlib.sha256()
    for name, file in _files(path):
        status = file.stat()
        digest.update(f"\0{name}\0{status.st_size}\0{status.st_mtime_ns}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yields the name and path of each file at a path, sorted."""
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file.relative_to(path).as_posix(), file


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return digest.digest()
