from __future__ import annotations

from pathlib import Path

import pytest

from NephroSynthLib.errors import ModelError, UsageError
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


def test_a_file_that_holds_no_feature_network_is_refused_before_any_work(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="training needs the extra 'train'")
    (tmp_path / "inception.pt").write_bytes(b"none")
    with pytest.raises(ModelError, match="is no TorchScript file"):
        execute("benchmark", {"out": tmp_path / "new", "features": tmp_path / "inception.pt"}, Progress())
    assert not (tmp_path / "new").exists()
