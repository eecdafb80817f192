"""A full disk, which the system's own limits imitate, gives a plain message and leaves no files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scene_state import assert_as_before, contents, start_played, wait_for_end


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Makes each write of this process and its workers fail beyond so many bytes of a file, as a full disk does.

    Within it nothing may be left to pytest, whose own output may be a file, too.
    """
    resource = pytest.importorskip("resource", reason="needs POSIX limits to stand in for a full disk")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_while_the_inputs_are_written(host: Any, ready: Any) -> None:
    before = contents()
    with full_disk(50_000):
        host.click(ready.ui.applyButton)
        wait_for_end(host, ready)
    assert "Check the permissions of files and folders, and the free disk space." in ready.ui.errorLabel.text
    assert_as_before(ready, before)


@pytest.mark.parametrize(
    ("chosen", "size", "words"),
    [
        ("Nrrd", 50_000, "Check the permissions of files and folders, and the free disk space."),
        ("Report", 20, "The disk is full. Free some space"),
        ("Scene", 50_000, "The scene could not be saved. Free some space"),
    ],
)
def test_a_disk_that_fills_up_during_an_export(
    host: Any,
    ready: Any,
    result_folder: Path,
    tmp_path: Path,
    chosen: str,
    size: int,
    words: str,
) -> None:
    start_played(host, ready, result_folder)
    wait_for_end(host, ready)
    before = contents()
    ready.ui.exportSection.collapsed = False
    ready.ui.exportFolderEdit.currentPath = str(tmp_path / "out")
    for box in ("Nrrd", "Nifti", "Dicom", "Report", "Scene"):
        getattr(ready.ui, f"export{box}CheckBox").checked = box == chosen
    host.process_events()
    with full_disk(size):
        host.click(ready.ui.exportButton)
        host.wait_until(lambda: not ready.panel.export.running)
    assert words in ready.ui.exportLabel.text
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob("out/.*"))
    if chosen == "Scene":  # Slicer gives nodes their storage nodes when it saves, and they keep them
        before += [node for node in contents() if "StorageNode" in node and node not in before]
    assert_as_before(ready, before)
    assert ready.ui.exportButton.enabled
