"""The fixture `slicer_host`: an open host, or a skip that says why there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def slicer_host() -> Iterator[object]:
    """A host with an empty scene; errors in slots and observers fail the test."""
    pytest.importorskip("PySide6", reason="PySide6 is not installed")
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from slicer_host import Host, XvfbMissing

    try:
        with Host() as host:
            yield host
    except XvfbMissing as missing:
        pytest.skip(str(missing))
