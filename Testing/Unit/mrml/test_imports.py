"""The scene logic loads in a Slicer into which nothing has been installed yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import NephroSynthLib.mrml

# What Slicer does not bring along; NumPy, SciPy, SimpleITK, pydicom and requests it does.
_NOT_IN_SLICER = (
    "torch", "monai", "ants", "einops", "lightning", "safetensors", "pydantic", "psutil", "highdicom", "typer", "rich",
    "jinja2", "matplotlib",
)  # fmt: skip


def test_no_module_needs_what_slicer_does_not_bring_or_has_not_loaded_yet() -> None:
    """Slicer imports a module's Python files before it has loaded the classes of its own modules."""
    names = sorted(path.stem for path in Path(NephroSynthLib.mrml.__path__[0]).glob("*.py"))
    assert len(names) > 10
    script = [
        "import sys, importlib, types",
        f"sys.modules.update(dict.fromkeys({_NOT_IN_SLICER!r}))",
        "sys.modules['slicer'] = types.ModuleType('slicer')",
        *(f"importlib.import_module('NephroSynthLib.mrml.{name}')" for name in names if name != "__init__"),
        "assert not {'qt', 'ctk', 'PySide6'} & set(sys.modules)",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
