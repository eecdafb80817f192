"""Tests where the non-contrast phase is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import UsageError
from NephroSynthLib.web.noncontrast_source import noncontrast_sources
from NephroSynthLib.web.viewed_exams import find_exams


def test_the_phase_of_a_demo_is_found_beside_the_result(result: Path) -> None:
    (read,) = noncontrast_sources(find_exams(result), None, None).values()
    assert read().GetSize() == (48, 40, 24)


def test_a_link_out_of_the_result_is_not_followed(result: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    for path in result.iterdir():
        (folder / path.name).symlink_to(path)
    assert noncontrast_sources(find_exams(folder), None, None) == {}


def test_a_manifest_names_the_phases_and_a_given_one_goes_before_all(result: Path, tmp_path: Path) -> None:
    phase = result / "exam" / "noncontrast.nii.gz"
    manifest = tmp_path / "exams.csv"
    manifest.write_text(
        f"exam,noncontrast,excretory\nresult,{phase},{result / 'excretory_registered.nrrd'}\nother,a,b\n"
    )
    exams = find_exams(result)
    found = noncontrast_sources(exams, manifest, None)
    assert found["result"]().GetSize() == (48, 40, 24)
    with pytest.raises(UsageError):
        noncontrast_sources([*exams, *exams], None, phase)
    assert noncontrast_sources(exams, manifest, result / "acquired_registered.nrrd")["result"]()[12, 20, 12] == 170
