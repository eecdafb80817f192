"""The models on record beside a volume, and exports and deliveries that are refused before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from NephroSynthLib.errors import Action, UnreadableInputError, UsageError
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.jobs.dicom_output import model_identity, models_on_record, need_library
from NephroSynthLib.progress import Progress


def test_a_missing_library_is_named_with_its_remedy() -> None:
    need_library("json")
    with pytest.raises(UsageError, match="no_such_library") as refused:
        need_library("no_such_library")
    assert refused.value.action is Action.INSTALL_DICOM


def test_models_are_read_from_the_summary_beside_a_volume(tmp_path: Path) -> None:
    summary = tmp_path / "result.json"
    assert models_on_record(tmp_path) == {}
    model = {"name": "net", "sha256": "ab" * 32}
    for recorded in ({"synthesis": model, "segmentation": {"name": "given", "sha256": ""}}, model):
        summary.write_text(json.dumps({"model": recorded}))
        assert models_on_record(tmp_path)["synthesis"] == ("net", "ab" * 32)
    summary.write_text("{broken")
    assert models_on_record(tmp_path) == {}
    assert model_identity(("given", "")) is None


def test_a_folder_without_dicom_is_not_sent(tmp_path: Path) -> None:
    pytest.importorskip("pynetdicom")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UnreadableInputError, match="no DICOM file"):
        execute("send", {"folder": tmp_path, "host": "localhost"}, Progress())
