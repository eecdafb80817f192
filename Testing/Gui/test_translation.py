"""All texts of the panel go through Slicer's translation; messages of a worker stay English (Development.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from gui_exam import ROOT

FOLDERS = ("NephroSynth", "NephroSynthLib/mrml", "NephroSynthLib/session")
COMMAND_LINE = "NephroSynthCLI"
"""The command line module speaks English, as `nephrosynth` does."""
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if COMMAND_LINE not in file.parts)
WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
NOT_FOR_USERS = {
    "Segmentation category and type - 3D Slicer General Anatomy list",  # names of terminologies
    "Anatomic codes - DICOM master list",
    "Hounsfield unit",  # a name of UCUM
    "NephroSynth difference",  # names by which a scene finds its colour tables again
    "NephroSynth uncertainty",
    "NephroSynth developers",
    "Simulated CTU non-contrast",  # names of nodes, which Slicer's own sample data does not translate either
    "Simulated CTU excretory",
    "Simulated CTU nephrographic",
    "around kidneys",  # keys of result.json
    "excretory phase",
    "kinetic baseline",
    "exit abnormally",  # what others write
    "Fatal Python error",
    "Windows fatal exception",
    "with status {}",  # a part of what the library says in English
    "by a signal",
    "by signal {}",
}


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts outside docstrings, translations, types and the module's own test."""
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", "") in ("_", "translate", "ValueError"):
        return
    if isinstance(tree, ast.ClassDef) and tree.name.endswith("Test"):
        return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in tree.values)
        yield tree.lineno, "".join(parts)
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.lineno, tree.value
    for child in ast.iter_child_nodes(tree):
        yield from literals(child)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_texts_of_the_panel_can_be_translated(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = [(line, text) for line, text in literals(tree) if WORDS.search(text) and not text.startswith("<")]
    assert [one for one in found if one[1] not in NOT_FOR_USERS and "slicer.vtk" not in one[1]] == []


def test_the_search_finds_a_text_without_translation() -> None:
    source = 'raise UsageError(f"The volume {name} is empty.", Action.LOAD_AGAIN, _("Load it."))'
    assert list(literals(ast.parse(source))) == [(1, "The volume {} is empty.")]
