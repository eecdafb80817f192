"""The lock of a folder with results."""

from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.cohort.folder_lock import only_run
from NephroSynthLib.errors import UsageError


def test_a_second_run_in_a_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    out = tmp_path / "new"
    with only_run(out), pytest.raises(UsageError, match="Another run works in the output folder"), only_run(out):
        pass
    with only_run(out):
        assert out.is_dir()
