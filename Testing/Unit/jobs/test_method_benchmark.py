from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.progress import Progress


@pytest.mark.parametrize(
    "arguments",
    [{"methods": "kinetic,none-such"}, {"methods": "kinetic", "exams": 0}, {"budget": "huge"}, {"methods": ","}],
)
def test_wrong_usage_is_refused_before_any_work(arguments: dict[str, object], tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="training needs the extra 'train'")
    with pytest.raises(UsageError):
        execute("benchmark", {"out": str(tmp_path / "new"), **arguments}, Progress())
    assert not (tmp_path / "new").exists()
