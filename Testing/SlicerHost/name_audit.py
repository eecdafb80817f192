"""Which names of slicer, qt, ctk, vtk and of Slicer's own Python modules a piece of Python code uses.

A name is a dotted path from an import (`slicer.util.loadUI`), or a member of a class that can be inferred
(`QTimer.start`, `vtkMRMLScene.AddNode`): from constructors, annotations, the .ui file, and what recorded members give.
A keyword argument of one of Slicer's Python functions is a name, too (`slicer.util.errorDisplay(detailedText=)`).
Of an object that cannot be inferred, members in VTK's spelling (a capital first) are held as `?.GetSpacing`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOTS = ("slicer", "qt", "ctk", "vtk", "SampleData", "DICOMLib", "PyTorchUtils")
_OBJECTS = {"slicer.app": "qSlicerApplication", "slicer.mrmlScene": "vtkMRMLScene"}
_CLASS = re.compile(r"(vtk|Q|ctk|qMRML|qSlicer)[A-Z]")


@dataclass(frozen=True)
class Use:
    """One use of a name; any of the names makes it good."""

    names: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class _Value:
    """The kind of an expression: dotted `path`, `object` of a class, `member` of a class, or `foreign` to Slicer."""

    kind: str
    name: str = ""


_FOREIGN = _Value("foreign")


def ui_classes(path: Path) -> dict[str, str]:
    """Class of each widget of a .ui file, by its object name."""
    root = ElementTree.parse(path).getroot()
    return {item.get("name", ""): item.get("class", "") for item in root.iter("widget")}


def names_used(paths: Iterable[Path], widgets: Mapping[str, str], gives: Mapping[str, str]) -> list[Use]:
    """All uses in some Python files.

    Args:
        paths: The files.
        widgets: Class of each widget that is reached as `ui.<name>`.
        gives: Class of what a member gives, by `Class.member`.
    """
    uses: list[Use] = []
    for path in paths:
        reader = _Reader(path.name, widgets, gives)
        reader.visit(ast.parse(path.read_text(encoding="utf-8")))
        uses += reader.uses
    return uses


class _Reader(ast.NodeVisitor):
    def __init__(self, file: str, widgets: Mapping[str, str], gives: Mapping[str, str]) -> None:
        self.uses: list[Use] = []
        self._file, self._widgets, self._gives = file, widgets, gives
        self._scopes: list[dict[str, _Value | None]] = [{}]
        self._self: dict[str, _Value | None] = {}
        self._bases: list[str] = []
        self._own: set[str] = set()

    def _record(self, node: ast.AST, *names: str) -> None:
        self.uses.append(Use(names, f"{self._file}:{getattr(node, 'lineno', 0)}"))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.split(".")[0]
            ours = alias.name.split(".")[0] in ROOTS
            self._scopes[-1][bound] = _Value("path", alias.name if alias.asname else bound) if ours else _FOREIGN
            if ours:
                self._record(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        ours = (node.module or "").split(".")[0] in ROOTS and node.level == 0
        for alias in node.names:
            path = f"{node.module}.{alias.name}"
            self._scopes[-1][alias.asname or alias.name] = _Value("path", path) if ours else _FOREIGN
            if ours:
                self._record(node, path)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before = (self._self, self._bases, self._own)
        values = [self._value(base) for base in node.bases]
        self._bases = [value.name.split(".")[-1] for value in values if value is not None and value.kind == "path"]
        self._own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)} | _assigned_on_self(node)
        self._self = {}
        for function in node.body:
            if isinstance(function, ast.FunctionDef):
                self._learn_self(function)
        self.generic_visit(node)
        self._self, self._bases, self._own = before

    def _learn_self(self, function: ast.FunctionDef) -> None:
        """Learns the kinds of the attributes of `self`, and records no use."""
        recorded = list(self.uses)
        self._scopes.append(self._parameters(function))
        for item in ast.walk(function):
            if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None:
                for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                    targets = target.elts if isinstance(target, ast.Tuple) else [target]
                    sources = item.value.elts if isinstance(item.value, ast.Tuple) else [item.value] * len(targets)
                    for one, source in zip(targets, sources, strict=False):
                        if _is_self(one):
                            self._self[one.attr] = self._value(source)
        self._scopes.pop()
        self.uses = recorded

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for decorator in node.decorator_list:
            self._value(decorator)
        self._scopes.append(self._parameters(node))
        for annotation in _annotations(node):
            self._value(annotation)
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    def _parameters(self, node: ast.FunctionDef) -> dict[str, _Value | None]:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return {argument.arg: self._annotated(argument.annotation) for argument in arguments}

    def _annotated(self, annotation: ast.expr | None) -> _Value | None:
        """An object of the class that an annotation names; nothing known for Any and containers."""
        if annotation is None:
            return None
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        if isinstance(annotation, ast.BinOp):
            annotation = annotation.left
        path = _dotted(annotation)
        if path is None or path == "Any":
            return None
        root = self._lookup(path.split(".")[0])
        if root is None:
            return _FOREIGN
        last = path.split(".")[-1]
        return _Value("object", last) if root.kind == "path" and _CLASS.match(last) else _FOREIGN

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self._value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._scopes[-1][target.id] = value
            else:
                self._value(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._value(node.annotation)
        value = self._value(node.value) if node.value is not None else None
        if isinstance(node.target, ast.Name):
            self._scopes[-1][node.target.id] = value or self._annotated(node.annotation)

    def visit_For(self, node: ast.For) -> None:
        self._value(node.iter)
        for name in (item.id for item in ast.walk(node.target) if isinstance(item, ast.Name)):
            self._scopes[-1][name] = None
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            self._value(node)
        else:
            super().generic_visit(node)

    def _lookup(self, name: str) -> _Value | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _value(self, node: ast.expr) -> _Value | None:
        """Returns the kind of an expression, and records the names in it."""
        if isinstance(node, ast.Name):
            return self._lookup(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Lambda):
            self._scopes.append({argument.arg: None for argument in node.args.args})
            self._value(node.body)
            self._scopes.pop()
            return None
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return self._comprehension(node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
        return _FOREIGN if isinstance(node, ast.Constant | ast.JoinedStr) and getattr(node, "value", 0) else None

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self._scopes.append({})
        for generator in node.generators:
            self._value(generator.iter)
            for item in ast.walk(generator.target):
                if isinstance(item, ast.Name):
                    self._scopes[-1][item.id] = None
            for condition in generator.ifs:
                self._value(condition)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._value(part)
        self._scopes.pop()

    def _attribute(self, node: ast.Attribute) -> _Value | None:
        name = node.attr
        if _is_self(node):
            if name not in self._own and self._bases:
                self._record(node, *(f"{base}.{name}" for base in self._bases))
            return self._self.get(name)
        if _last_name(node.value) in ("ui", "_ui") and name in self._widgets:
            self._value(node.value)
            return _Value("object", self._widgets[name])
        base = self._value(node.value)
        if base is None:
            if name[0].isupper() and not name.isupper():
                self._record(node, f"?.{name}")
            return None
        if base.kind == "foreign":
            return _FOREIGN
        if base.kind == "object":
            self._record(node, f"{base.name}.{name}")
            return _Value("member", f"{base.name}.{name}")
        if base.kind == "member":
            given = self._gives.get(base.name)
            if given is not None:
                self._record(node, f"{given}.{name}")
                return _Value("member", f"{given}.{name}")
            return None
        return self._path(node, base.name, name)

    def _path(self, node: ast.Attribute, base: str, name: str) -> _Value | None:
        if base in _OBJECTS:
            self._record(node, f"{_OBJECTS[base]}.{name}")
            return _Value("member", f"{_OBJECTS[base]}.{name}")
        if base == "slicer.modules":
            return None
        last = base.split(".")[-1]
        if _CLASS.match(last) and "." in base:
            self._record(node, f"{last}.{name}")
            return _Value("member", f"{last}.{name}")
        self._record(node, f"{base}.{name}")
        return _Value("path", f"{base}.{name}")

    def _call(self, node: ast.Call) -> _Value | None:
        function = self._value(node.func)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self._value(argument)
        if function is None or function.kind == "foreign":
            return function
        if function.kind == "member":
            return self._result(node, function.name)
        last = function.name.split(".")[-1]
        if _CLASS.match(last):
            return _Value("object", last)
        for keyword in node.keywords:
            if keyword.arg is not None:
                self._record(node, f"{function.name}({keyword.arg}=)")
        given = self._gives.get(function.name)
        return _Value("object", given) if given else None

    def _result(self, node: ast.Call, member: str) -> _Value | None:
        owner, _, name = member.rpartition(".")
        first = node.args[0] if node.args else None
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        if name in ("connect", "disconnect") and text is not None:
            self._record(node, f"{owner}.{text.split('(')[0]}")
        if name in ("AddNewNodeByClass", "CreateNodeByClass", "GetFirstNodeByName") and text is not None:
            return _Value("object", text) if text.startswith("vtk") else None
        given = self._gives.get(member)
        return _Value("object", given) if given else None


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _assigned_on_self(node: ast.ClassDef) -> set[str]:
    stored = (item for item in ast.walk(node) if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store))
    return {item.attr for item in stored if _is_self(item)} | {
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else None
    return None


def _annotations(node: ast.FunctionDef) -> list[ast.expr]:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    found = [argument.annotation for argument in arguments if argument.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found
