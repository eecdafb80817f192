"""Phases of DICOM files, and the place of a file in its folder."""

from __future__ import annotations

from pathlib import Path

from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.jobs.dicom_phases import place_of
from NephroSynthLib.progress import Progress


def test_a_file_is_named_by_its_place_below_the_folder(tmp_path: Path) -> None:
    assert place_of(tmp_path / "a" / "b.dcm", tmp_path) == str(Path("a") / "b.dcm")
    assert place_of(tmp_path / "b.dcm", tmp_path / "b.dcm") == "b.dcm"
    assert place_of(Path("/elsewhere/b.dcm"), tmp_path) == "b.dcm"


def test_a_folder_without_dicom_has_no_exam(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    found = execute("phases", {"folder": tmp_path}, Progress())
    assert found["exams"] == []
    assert [one["file"] for one in found["skipped"]] == ["notes.txt"]
