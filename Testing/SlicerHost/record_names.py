"""Notes where each name that the module uses is defined: fills names.tsv from checkouts of the public sources.

    python Testing/SlicerHost/record_names.py --slicer DIR --ctk DIR --vtk DIR

DIR is a checkout or a bare repository. Names that are found nowhere are printed, and the exit status is 1: real Slicer
does not have them. Lines that are there stay as they are; those that nothing uses any more are taken out.
"""

from __future__ import annotations

import argparse
import ast
import enum
import re
import sys
import unittest
from pathlib import Path

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

sys.path.insert(0, str(Path(__file__).parent))
from checkouts import Place, Sources
from names import TABLE, Row, audited_uses, offered, read_rows, write_rows

_QT_FOLDERS = {
    "QAbstractButton": "src/widgets/widgets",
    "QAbstractSlider": "src/widgets/widgets",
    "QAbstractSpinBox": "src/widgets/widgets",
    "QApplication": "src/widgets/kernel",
    "QCheckBox": "src/widgets/widgets",
    "QComboBox": "src/widgets/widgets",
    "QCoreApplication": "src/corelib/kernel",
    "QDesktopServices": "src/gui/util",
    "QDoubleSpinBox": "src/widgets/widgets",
    "QFileDialog": "src/widgets/dialogs",
    "QIODevice": "src/corelib/io",
    "QLabel": "src/widgets/widgets",
    "QLineEdit": "src/widgets/widgets",
    "QMessageBox": "src/widgets/dialogs",
    "QObject": "src/corelib/kernel",
    "QPlainTextEdit": "src/widgets/widgets",
    "QProcess": "src/corelib/io",
    "QProcessEnvironment": "src/corelib/io",
    "QProgressBar": "src/widgets/widgets",
    "QPushButton": "src/widgets/widgets",
    "QSettings": "src/corelib/io",
    "QSpinBox": "src/widgets/widgets",
    "QTableView": "src/widgets/itemviews",
    "QTimer": "src/corelib/kernel",
    "QToolButton": "src/widgets/widgets",
    "QUrl": "src/corelib/io",
    "QWidget": "src/widgets/kernel",
}
_PYTHON_FILES = {
    "slicer": "Base/Python/slicer/__init__.py",
    "slicer.util": "Base/Python/slicer/util.py",
    "slicer.i18n": "Base/Python/slicer/i18n.py",
    "slicer.packaging": "Base/Python/slicer/packaging.py",
    "slicer.ScriptedLoadableModule": "Base/Python/slicer/ScriptedLoadableModule.py",
    "SampleData": "Modules/Scripted/SampleData/SampleData.py",
    "DICOMLib.DICOMUtils": "Modules/Scripted/DICOMLib/DICOMUtils.py",
}
_DECORATORS = (
    "Base/QTCore/qSlicerBaseQTCorePythonQtDecorators.h",
    "Base/QTGUI/qSlicerBaseQTGUIPythonQtDecorators.h",
    "Base/QTApp/qSlicerBaseQTAppPythonQtDecorators.h",
)
_PARAMETER_FILES = ("wrapper", "validators", "default", "guiConnectors", "parameterPack", "serializers")
# Set by the application when it starts; and what scripted modules inherit from QObject.
_FIXED = {
    "slicer.app": ("Slicer", "Base/Python/slicer/__init__.py"),
    "slicer.mrmlScene": ("Slicer", "Base/Python/slicer/__init__.py"),
    "slicer.modules": ("Slicer", "Base/Python/slicer/__init__.py"),
    "slicer": ("Slicer", "Base/Python/slicer/__init__.py"),
    "qt": ("CTK", "Libs/Scripting/Python/Core/Python/qt/__init__.py.in"),
    "ctk": ("CTK", "Libs/Scripting/Python/Core/Python/ctk/__init__.py.in"),
    "vtk": ("VTK", "Wrapping/Python/vtk.py.in"),
    "DICOMLib": ("Slicer", "Modules/Scripted/DICOMLib/__init__.py"),
    "PyTorchUtils": ("SlicerPyTorch", "PyTorchUtils/PyTorchUtils.py"),
    "PyTorchUtils.PyTorchUtilsLogic": ("SlicerPyTorch", "PyTorchUtils/PyTorchUtils.py"),
}


def find(name: str, sources: Sources) -> Place | None:
    """Where a name is defined; None where real Slicer does not have it."""
    if name.endswith("=)"):
        return _keyword(*name.removesuffix("=)").split("("), sources)
    if name in _FIXED:
        repository, path = _FIXED[name]
        known = repository not in ("Slicer", "CTK", "VTK") or sources.has(repository, path)
        return Place(repository, path) if known else None
    owner, _, member = name.rpartition(".")
    if owner == "?":
        return _any_class(member, sources)
    if owner in ("slicer", "vtk") and member.startswith("vtk"):
        return _vtk_class(member, sources)
    if owner == "qt":
        return _qt_class(member)
    if owner == "ctk":
        return _header_place(member, sources)
    if owner.startswith("slicer.ScriptedLoadableModule.") or owner.startswith("ScriptedLoadableModule"):
        return _scripted_member(owner.split(".")[-1], member, sources)
    if owner == "slicer.parameterNodeWrapper":
        files = (f"Base/Python/slicer/parameterNodeWrapper/{file}.py" for file in _PARAMETER_FILES)
        return next((Place("Slicer", file) for file in files if _defines(sources.text("Slicer", file), member)), None)
    if name.startswith("vtk."):
        return _vtk_python(name, sources)
    if owner in _PYTHON_FILES or name in _PYTHON_FILES or owner.rpartition(".")[0] in _PYTHON_FILES:
        return _python(name, sources)
    if owner.startswith("vtk"):
        return _vtk_member(owner, member, sources)
    if owner.startswith("Q"):
        return _qt_member(owner, member)
    if owner.startswith(("ctk", "qMRML", "qSlicer")):
        return _scriptable_member(owner, member, sources)
    if owner == "VTKObservationMixin":
        return (
            Place("Slicer", _PYTHON_FILES["slicer.util"]) if hasattr(slicer.util.VTKObservationMixin, member) else None
        )
    return None


def _keyword(function: str, keyword: str, sources: Sources) -> Place | None:
    """A keyword argument of a function in one of Slicer's Python files."""
    place = find(function, sources)
    if place is None:
        return None
    nodes = ast.walk(ast.parse(sources.text(place.repository, place.path)))
    name = function.rpartition(".")[2]
    signatures = [node.args for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name]
    known = {argument.arg for signature in signatures for argument in (*signature.args, *signature.kwonlyargs)}
    return place if keyword in known or any(signature.kwarg for signature in signatures) else None


def _defines(text: str, name: str) -> bool:
    return (
        re.search(rf"^\s*(def|class)\s+{re.escape(name)}\b|^{re.escape(name)}\s*[:=]", text, re.MULTILINE) is not None
    )


def _python(name: str, sources: Sources) -> Place | None:
    """A module, or a function or class or method in it."""
    if name in _PYTHON_FILES:
        return Place("Slicer", _PYTHON_FILES[name])
    owner, _, member = name.rpartition(".")
    file = _PYTHON_FILES.get(owner) or _PYTHON_FILES.get(owner.rpartition(".")[0])
    return Place("Slicer", file) if file and _defines(sources.text("Slicer", file), member) else None


def _scripted_member(owner: str, member: str, sources: Sources) -> Place | None:
    file = _PYTHON_FILES["slicer.ScriptedLoadableModule"]
    text = sources.text("Slicer", file)
    if member == owner or _defines(text, member) or f"self.{member} = " in text:
        return Place("Slicer", file)
    if owner.endswith("Test") and hasattr(unittest.TestCase, member):
        return Place("CPython", "Lib/unittest/case.py")
    return None


def _vtk_python(name: str, sources: Sources) -> Place | None:
    """vtk.util.numpy_support and the like."""
    parts = name.split(".")
    if name == "vtk.reference":
        return Place("VTK", "Wrapping/PythonCore/PyVTKReference.h")
    for length in (len(parts), len(parts) - 1):
        file = f"Wrapping/Python/vtkmodules/{'/'.join(parts[1:length])}.py"
        if sources.has("VTK", file) and (length == len(parts) or _defines(sources.text("VTK", file), parts[-1])):
            return Place("VTK", file)
    return None


def _vtk_class(name: str, sources: Sources) -> Place | None:
    for repository in ("Slicer", "VTK"):
        header = sources.header(repository, name)
        if header is not None:
            return Place(repository, header)
    return None


def _vtk_member(owner: str, member: str, sources: Sources) -> Place | None:
    """A member of a wrapped class, asked of the class itself, and then found in the header of the class that has it."""
    cls = getattr(slicer, owner, None) or getattr(vtk, owner, None)
    if cls is None:
        return None
    classes = [base for base in cls.__mro__ if member in vars(base)]
    if not classes:
        classes = [sub for sub in _subclasses(cls) if member in vars(sub)]
    plain = re.sub(r"^(Set|Get|Add|Remove)(AndObserve)?|(On|Off)$", "", member)
    for base in classes:
        place = _vtk_class(base.__name__, sources)
        if place is not None:
            text = sources.text(place.repository, place.path)
            if re.search(rf"\b{member}\b|\b{plain}\b", text):
                return place
    return None


def _subclasses(cls: type) -> list[type]:
    return [sub for direct in cls.__subclasses__() for sub in (direct, *_subclasses(direct))]


def _any_class(member: str, sources: Sources) -> Place | None:
    """Some class of MRML or VTK with such a member."""
    names = {name for name in (*dir(slicer), *dir(vtk)) if name.startswith("vtk")}
    for name in sorted(names, key=lambda name: ("Annotation" in name, not name.startswith("vtkMRML"), name)):
        cls = getattr(slicer, name, None) or getattr(vtk, name)
        if isinstance(cls, type) and member in vars(cls):
            place = _vtk_member(name, member, sources)
            if place is not None:
                return place
    return None


def _qt_native(name: str) -> type | None:
    return next((getattr(module, name) for module in (QtWidgets, QtGui, QtCore) if hasattr(module, name)), None)


def _qt_class(name: str) -> Place | None:
    if _qt_native(name) is None or name not in _QT_FOLDERS:
        return None
    return Place("Qt", f"{_QT_FOLDERS[name]}/{name.lower()}.h")


def _qt_member(owner: str, member: str) -> Place | None:
    """The class in whose header Qt declares a member."""
    native = _qt_native(owner)
    if native is None:
        return None
    if member in ("connect", "disconnect", "name"):
        return _qt_class("QObject")
    for base in native.__mro__:
        meta = getattr(base, "staticMetaObject", None)
        own = meta is not None and meta.indexOfProperty(member) >= meta.propertyOffset()
        enumerations = (
            value for value in vars(base).values() if isinstance(value, type) and issubclass(value, enum.Enum)
        )
        if own or member in vars(base) or any(member in names.__members__ for names in enumerations):
            return _qt_class(base.__name__)
    return None


def _header_place(name: str, sources: Sources) -> Place | None:
    for repository in ("CTK", "Slicer"):
        header = sources.header(repository, name)
        if header is not None:
            return Place(repository, header)
    return None


def _scriptable_member(owner: str, member: str, sources: Sources) -> Place | None:
    """Finds a property, slot, signal or Q_INVOKABLE of a Qt class of CTK or Slicer, which PythonQt shows to Python."""
    place = _header_place(owner, sources)
    if place is None:
        return _qt_member(owner, member)
    text = sources.text(place.repository, place.path)
    if is_scriptable(text, member):
        return place
    for file in _DECORATORS:
        decorators = sources.text("Slicer", file)
        if re.search(rf"\b{member}\s*\(\s*{owner}\s*\*|\bstatic_{owner}_{member}\b", decorators):
            return Place("Slicer", file)
    parent = re.search(rf"class\s+(?:\w+\s+)?{owner}\s*:\s*public\s+(\w+)", text)
    parent_name = parent.group(1) if parent else ""
    return find(f"{parent_name}.{member}", sources) if parent_name else None


def is_scriptable(header: str, member: str) -> bool:
    """Returns whether a C++ header shows a member to PythonQt."""
    if re.search(rf"Q_PROPERTY\([^)]*\b{member}\s+READ\b|enum\s+\w+\s*\{{[^}}]*\b{member}\b", header):
        return True
    section = ""
    for line in header.splitlines():
        label = re.match(r"\s*(public|protected|private)?\s*(Q_SLOTS|slots|Q_SIGNALS|signals)?\s*:\s*$", line)
        if label and (label.group(1) or label.group(2)):
            section = f"{label.group(1) or ''} {label.group(2) or ''}"
        shown = (
            "Q_INVOKABLE" in line
            or "ignal" in section
            or "SIGNAL" in section
            or ("public" in section and "lot" in section.lower())
        )
        if shown and re.search(rf"\b{member}\s*\(", line):
            return True
    return False


def main() -> int:
    """Fills the table; 1 where a name was found nowhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("slicer", "ctk", "vtk"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    sources = Sources({"Slicer": options.slicer, "CTK": options.ctk, "VTK": options.vtk})
    rows = read_rows()
    kept = {name: row for name, row in rows.items() if row.gives}
    missing = []
    for use in [*audited_uses(rows), *offered()]:
        known = next((name for name in use.names if name in rows), None)
        found = {name: find(name, sources) for name in use.names} if known is None else {}
        place_of = next((name for name, place in found.items() if place is not None), None)
        if known is not None:
            kept[known] = rows[known]
        elif place_of is not None:
            place = found[place_of]
            kept[place_of] = Row(place_of, place.repository, place.path, "")
        else:
            missing.append(use)
    write_rows(kept, {name: sources.revision(name) for name in ("Slicer", "CTK", "VTK")})
    for use in missing:
        print(f"{use.where}: {' or '.join(use.names)} is not in the public sources")
    print(f"{len(kept)} names in {TABLE.name}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
