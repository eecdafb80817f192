"""The fixture `slicer_host`: an open host with an empty scene."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def open_host() -> Iterator[Any]:
    """One host for the tests of a file."""
    from slicer_host import Host

    with Host() as host:
        yield host


@pytest.fixture
def slicer_host(open_host: Any) -> Any:
    """The host with an empty scene in Slicer's default layout; errors in slots and observers fail the test."""
    import slicer

    slicer.mrmlScene.Clear(0)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    open_host.process_events()
    yield open_host
    open_host.process_events()
