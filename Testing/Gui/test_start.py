"""The start of Slicer and the opening of the panel load nothing large, measured in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from gui_exam import MODULE, ROOT

LARGE = {"numpy", "SimpleITK", "scipy", "pydicom", "torch", "ants", "monai", "pydantic"}
START = {
    "NephroSynthLib",
    "NephroSynthLib.errors",
    "NephroSynthLib.files",
    "NephroSynthLib.files.notice",
    "NephroSynthLib.mrml",
    "NephroSynthLib.mrml.i18n",
    "NephroSynthLib.mrml.layouts",
    "NephroSynthLib.mrml.views",
    "NephroSynthLib.options",
    "NephroSynthLib.session",
    "NephroSynthLib.session.sample_exam",
    "NephroSynthPanel",
    "NephroSynthPanel.logic",
    "NephroSynthPanel.sample_data",
}
"""The files beside `NephroSynth.py` that may load when Slicer starts: names, layouts and texts."""

SCRIPT = f"""
import builtins, json, sys
sys.path.insert(0, {str(ROOT / "Testing" / "SlicerHost")!r})
from slicer_host import Host

asked = set()

importer = builtins.__import__

def watched(name, globals=None, *rest, **named):
    if str((globals or {{}}).get("__name__")).startswith("NephroSynth"):
        asked.add(name.split(".")[0])
    return importer(name, globals, *rest, **named)

def files():
    return {{name for name in sys.modules if name.startswith("NephroSynth") and name != "NephroSynth"}}

with Host() as host:
    sys.path[:0] = [{str(MODULE.parent)!r}, {str(ROOT)!r}]
    builtins.__import__ = watched
    import NephroSynth
    at_start = sorted(files()), sorted(asked)
    del sys.modules["NephroSynth"]
    host.load_module({str(MODULE)!r})
    print(json.dumps([*at_start, sorted(files()), sorted(asked)]))
"""


@pytest.fixture(scope="module")
def loaded() -> tuple[set[str], set[str], set[str], set[str]]:
    """Files of the module, and libraries that they import: at the start of Slicer, and with the open panel."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files, libraries, later_files, later_libraries = map(set, json.loads(done.stdout.splitlines()[-1]))
    return files, libraries, later_files, later_libraries


def test_the_start_of_slicer_loads_names_and_layouts_only(loaded: tuple[set[str], ...]) -> None:
    files, libraries, _, _ = loaded
    assert files == START
    assert not libraries & LARGE


def test_the_open_panel_has_loaded_no_large_library(loaded: tuple[set[str], ...]) -> None:
    _, _, files, libraries = loaded
    assert "NephroSynthPanel.panel" in files
    assert not libraries & LARGE


def test_the_watch_sees_a_large_library(tmp_path: Path) -> None:
    (tmp_path / "NephroSynthHeavy.py").write_text("import numpy.linalg\n", encoding="utf-8")
    heavy = f"    sys.path.insert(0, {str(tmp_path)!r})\n    import NephroSynthHeavy\n"
    script = SCRIPT.replace("    import NephroSynth\n", f"{heavy}    import NephroSynth\n")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "numpy" in json.loads(done.stdout.splitlines()[-1])[1]
