from __future__ import annotations

from pathlib import Path

from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.result import Summary

DOCUMENT = Path(__file__).parents[2] / "Documentation" / "Result.md"


def test_every_field_of_the_summary_and_every_file_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    files = [name for name in OUTPUTS["run"] if not name.endswith(".nrrd")]
    for name in (*Summary.model_fields, *files):
        assert f"| `{name}` |" in text, f"{name} lacks a row in {DOCUMENT.name}"


def test_the_documented_schema_version_is_the_codes() -> None:
    version = Summary.model_fields["schema_version"].default
    assert f"## result.json, schema {version}" in DOCUMENT.read_text(encoding="utf-8")
