"""A run whose result is wanted as DICOM needs DICOM series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.run_input import RunInput, with_series
from NephroSynthLib.progress import Progress


def test_an_image_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ct.nrrd"
    file.touch()
    with pytest.raises(UsageError, match="DICOM series") as refused:
        with_series(RunInput(file, file), Progress())
    assert refused.value.action is Action.GIVE_DICOM_PHASES


def test_folders_become_the_series_that_they_hold(
    tmp_path: Path, phantom: Callable[..., sitk.Image], write_series: Callable[..., list[Path]]
) -> None:
    for name in ("noncontrast", "excretory"):
        write_series(phantom(), tmp_path / name)
    given = with_series(RunInput(tmp_path / "noncontrast", tmp_path / "excretory"), Progress())
    assert not isinstance(given.noncontrast, Path)
    assert not isinstance(given.excretory, Path)
    assert len(given.noncontrast.files) == phantom().GetSize()[2]
    assert given.taken_series_numbers == ((given.noncontrast.number,) if given.noncontrast.number else ())
