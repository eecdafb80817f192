"""Models in the terminal: whole names and digests, no seeds in the list, no Python dictionaries."""

from __future__ import annotations

from typing import Any

import pytest

from NephroSynthLib.cli.summaries import print_summary

WALL = ", ".join(map(str, range(3000, 3200, 2)))
SEGMENTER: dict[str, Any] = {
    "path": "/a/rather/long/path/" + "folder/" * 20 + "kidney-segmenter.safetensors",
    "sha256": "ab" * 32,
    "name": "kidney-segmenter",
    "task": "segmentation",
    "method": "swin-diffusion",
    "configuration": {"network": {"channels": [32, 64], "strides": [[2, 2, 1], [2, 2, 2]]}},
    "training": {
        "data": f"303 simulated exams, seeds 2000 to 2109, {WALL}; no patient data",
        "started_from": {"sha256": "cd" * 32, "steps": 20, "started_from": {"steps": 30}},
    },
}
SYNTHESIZER = {**SEGMENTER, "name": "nephrographic-synthesizer", "task": "synthesis", "training": {}}


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")


def shown(action: str, models: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
    print_summary("models", {"action": action, "models": models}, None, 1.0)
    return capsys.readouterr().out


def test_the_list_has_a_line_for_each_model_with_its_whole_name(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown("list", [SEGMENTER, SYNTHESIZER], capsys).splitlines()
    assert len(lines) == 3
    assert lines[1].split()[:3] == ["kidney-segmenter", "segmentation", "swin-diffusion"]
    assert lines[1].endswith("303 simulated exams; no patient data")
    assert lines[2].startswith("nephrographic-synthesizer ")


def test_each_verified_model_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown("verify", [SEGMENTER, SYNTHESIZER], capsys).splitlines()
    assert [line.split() for line in lines[1:]] == [[one["name"], "ok", "ab" * 32] for one in (SEGMENTER, SYNTHESIZER)]


def test_a_model_is_shown_whole_and_without_dictionaries(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown("show", [SEGMENTER], capsys)
    rows = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in text.splitlines()}
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert SEGMENTER["path"] in text
    assert SEGMENTER["training"]["data"] in text
    assert rows["configuration: network: channels"] == "32, 64"
    assert rows["configuration: network: strides"] == "2 × 2 × 1, 2 × 2 × 2"
    assert rows["earlier run 1: sha256"] == "cd" * 32
    assert (rows["earlier run 1: steps"], rows["earlier run 2: steps"]) == ("20", "30")
    assert not any(sign in text for sign in "{}[]…")
