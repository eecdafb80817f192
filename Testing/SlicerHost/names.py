"""The record of names, names.tsv: each name, the public repository and the file that define it, what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from name_audit import Use, names_used, ui_classes

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("names.tsv")
UI = ROOT / "NephroSynth" / "Resources" / "UI" / "NephroSynth.ui"


@dataclass(frozen=True)
class Row:
    """One line of the record.

    Attributes:
        name: A dotted path (`slicer.util.loadUI`), a member of a class (`QTimer.start`), `?.GetName` for a member of
            an object whose class cannot be inferred, or a keyword argument (`slicer.util.errorDisplay(detailedText=)`).
        repository: Slicer, CTK, VTK, Qt (qtbase), CPython or SlicerPyTorch.
        path: The file in it.
        gives: Class of what a member gives, where the audit follows it.
    """

    name: str
    repository: str
    path: str
    gives: str


def read_rows() -> dict[str, Row]:
    """The record, by name."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    cells = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {row[0]: Row(*[*row, ""][:4]) for row in cells}


def write_rows(rows: Mapping[str, Row], revisions: Mapping[str, str]) -> None:
    """Writes the record."""
    read = ", ".join(f"{name} {revision[:12]}" for name, revision in revisions.items())
    head = ["# name\trepository\tpath\tgives", f"# read at: {read}"]
    body = [f"{row.name}\t{row.repository}\t{row.path}\t{row.gives}".rstrip() for _, row in sorted(rows.items())]
    TABLE.write_text("\n".join([*head, *body]) + "\n", encoding="utf-8")


def offered() -> list[Use]:
    """Returns the members that the host's classes add to the Qt classes that they extend."""
    from slicer_host.application import qSlicerApplication
    from slicer_host.io_manager import qSlicerCoreIOManager, qSlicerIOManager
    from slicer_host.layout_manager import qSlicerLayoutManager
    from slicer_host.main_window import qSlicerMainWindow, qSlicerModuleSelectorToolBar
    from slicer_host.module_logics import qSlicerLoadableModule, qSlicerModuleManager
    from slicer_host.scripted_module import qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget
    from slicer_host.widgets import CTK, SLICER

    application = (qSlicerApplication, qSlicerCoreIOManager, qSlicerIOManager, qSlicerLayoutManager, qSlicerMainWindow)
    modules = (qSlicerModuleManager, qSlicerModuleSelectorToolBar, qSlicerLoadableModule)
    scripted = (qSlicerScriptedLoadableModule, qSlicerScriptedLoadableModuleWidget)
    return [
        Use((f"{cls.__name__}.{name}",), "slicer_host")
        for cls in (*CTK, *SLICER, *application, *modules, *scripted)
        for name in _shown(cls)
    ]


def _shown(cls: type) -> list[str]:
    """The public members of a class, and of the host's classes that it extends, that are not Qt's own."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("slicer_host")]
    qt = next(base for base in cls.__mro__ if base.__module__.startswith("PySide6"))
    members = {name for base in own for name in vars(base) if not name.startswith("_") and not hasattr(qt, name)}
    return sorted(members - {"staticMetaObject"})


def audited_files() -> list[Path]:
    """The Python files that run inside Slicer."""
    return sorted((ROOT / "NephroSynth").rglob("*.py")) + sorted((ROOT / "NephroSynthLib" / "mrml").glob("*.py"))


def audited_uses(rows: Mapping[str, Row]) -> list[Use]:
    """Every use of a name of Slicer in them."""
    gives = {name: row.gives for name, row in rows.items() if row.gives}
    return names_used(audited_files(), ui_classes(UI), gives)
