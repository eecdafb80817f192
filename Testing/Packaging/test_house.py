"""The house plan of DESIGN.md, section 2, checked on the source text: rooms, import directions, names, tests.

Each rule is a function that takes a house and returns its violations as sentences. Each rule is tried twice: on this
repository, where it must find nothing, and on a small made-up house that breaks it, so that the rule can fail.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FLOORS: tuple[tuple[str, ...], ...] = (
    ("panel", "cli"),
    ("web",),
    ("mrml",),
    ("session", "cohort", "reader_study"),
    ("jobs",),
    ("training",),
    ("report",),
    ("pipeline",),
    ("result",),
    ("preparation",),
    ("registration", "segmentation", "synthesis", "evaluation"),
    ("generators",),
    ("methods",),
    ("exam",),
    ("dicom",),
    ("phases",),
    ("models",),
    ("simulation",),
    ("kinetics",),
    ("imaging",),
    ("engines",),
    ("files",),
    ("diffusion",),
    ("networks",),
    ("settings",),
    ("progress", "options", "wording"),
    ("errors",),
    ("__init__",),
)
"""All rooms from the attic to the cellar. A room imports lower floors, never another room of its own floor."""

PURE = ("simulation", "kinetics", "diffusion", "networks")
PURE_LIBRARIES = {"torch", "numpy", "scipy", "einops"}
SLICER = {"slicer", "vtk", "qt", "ctk", "mrml", "PythonQt", "ScriptedLoadableModule"}
HEAVY = ("torch", "ants", "monai", "scipy", "SimpleITK", "pydicom")
LATE = {"ants", "monai"}
"""Libraries that take seconds to load, and that many runs do without."""
LIGHT = ("NephroSynthLib", "NephroSynthLib.cli.app", "NephroSynthLib.options")


@dataclass(frozen=True)
class Module:
    """A Python file of the library or of the panel.

    Attributes:
        name: Dotted name, e.g. 'NephroSynthLib.imaging.grids'.
        tree: Its syntax tree.
        imports: Dotted names of all it imports, in functions and under TYPE_CHECKING too; `from a import b` is 'a.b'.
    """

    name: str
    tree: ast.Module
    imports: frozenset[str]

    @property
    def room(self) -> str:
        """The folder below NephroSynthLib, the module itself where it lies beside the folders, or 'panel'."""
        top, *rest = self.name.split(".")
        return "panel" if top != "NephroSynthLib" else rest[0] if rest else "__init__"

    @property
    def stem(self) -> str:
        """The last part of the name."""
        return self.name.split(".")[-1]


House = Mapping[str, Module]
"""Modules by name."""


def built(sources: Mapping[str, str]) -> House:
    """Returns the house of some source texts, by dotted name of their module."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    return {name: Module(name, tree, frozenset(_imports(tree))) for name, tree in trees.items()}


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(house: House, module: Module) -> list[Module]:
    """Returns the modules of the house that a module imports."""
    names = {name if name in house else name.rpartition(".")[0] for name in module.imports}
    return [house[name] for name in sorted(names) if name in house and name != module.name]


def upward_imports(house: House) -> list[str]:
    """Finds imports of a higher floor, and of another room on the same floor."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    unknown = sorted({module.room for module in house.values()} - floor.keys())
    wrong = [
        f"{module.name} imports {other.name}"
        for module in house.values()
        for other in _own(house, module)
        if other.room != module.room and floor.get(other.room, 0) <= floor.get(module.room, 0)
    ]
    return [f"the room {room} has no floor" for room in unknown] + wrong


def misplaced_libraries(house: House) -> list[str]:
    """Finds Slicer outside mrml/ and the panel, and anything but plain numerics in the rooms that need no more."""
    wrong = []
    for module in house.values():
        libraries = {name.split(".")[0] for name in module.imports}
        if module.room not in ("mrml", "panel"):
            wrong += [f"{module.name} imports {library}" for library in sorted(libraries & SLICER)]
        if module.room in PURE:
            allowed = PURE_LIBRARIES | sys.stdlib_module_names | {"NephroSynthLib"}
            wrong += [f"{module.name} imports {library}" for library in sorted(libraries - allowed)]
    return wrong


def file_cycles(house: House) -> list[str]:
    """Finds cycles of imports between files."""
    return _cycles({module.name: {other.name for other in _own(house, module)} for module in house.values()})


def room_cycles(house: House) -> list[str]:
    """Finds cycles of imports between rooms."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module in house.values():
        graph[module.room] |= {other.room for other in _own(house, module)} - {module.room}
    return _cycles(graph)


def _cycles(graph: Mapping[str, set[str]]) -> list[str]:
    """Returns the groups of nodes that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen, waiting = set(), [start]
        while waiting:
            fresh = graph.get(waiting.pop(), set()) - seen
            seen |= fresh
            waiting += fresh
        reached[start] = seen
    groups = {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in graph if a in reached[a]}
    return [f"{' <-> '.join(sorted(group))} import each other" for group in groups]


def early_imports(house: House) -> list[str]:
    """Finds imports of late libraries that run when a module is imported, so that each run waits for them."""
    return [
        f"{module.name} imports {name} outside a function"
        for module in house.values()
        for node in module.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in sorted(LATE & {part.partition(".")[0] for part in _named(node)})
    ]


def _named(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def shared_stems(house: House) -> list[str]:
    """Finds files that share a stem, whose plural counts as the same."""
    named = [module for module in house.values() if not _is_package(house, module)]
    return [
        f"{first.name} and {second.name} share a noun"
        for first, second in combinations(named, 2)
        if _singular(first.stem) == _singular(second.stem)
    ]


def _is_package(house: House, module: Module) -> bool:
    return any(name.startswith(f"{module.name}.") for name in house)


def _singular(stem: str) -> str:
    return stem[:-3] + "y" if stem.endswith("ies") else stem if stem.endswith("ss") else stem.removesuffix("s")


def untested_modules(house: House, tests: set[str]) -> list[str]:
    """Finds modules of the library without a test at the mirrored path.

    Args:
        house: The modules.
        tests: Paths of the tests below Testing/Unit, with forward slashes.
    """
    wrong = []
    for module in house.values():
        if module.room in ("panel", "__init__") or _is_package(house, module) or not _has_code(module):
            continue
        *folders, stem = module.name.split(".")[1:]
        expected = "/".join([*folders, f"test_{stem}.py"])
        if expected not in tests:
            wrong.append(f"{module.name} has no Testing/Unit/{expected}")
    return wrong


def _has_code(module: Module) -> bool:
    """Whether a module holds more than a docstring, constants and imports."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in module.tree.body)


def untyped_arrays(house: House) -> list[str]:
    """Finds annotations with a bare np.ndarray."""
    return [
        f"{module.name}:{node.lineno} annotates with a bare ndarray"
        for module in house.values()
        for annotation in _annotations(module.tree)
        for node in ast.walk(annotation)
        if isinstance(node, ast.Attribute) and node.attr == "ndarray"
    ]


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        found = (
            node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else None,
            node.returns if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None,
        )
        yield from (annotation for annotation in found if annotation is not None)


def odd_scipy_imports(house: House) -> list[str]:
    """Finds scipy imported by anything but `from scipy import <submodule>`."""
    wrong = []
    for module in house.values():
        for node in ast.walk(module.tree):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("scipy."):
                named.append(str(node.module))
            wrong += [f"{module.name} imports {name}" for name in named if name.split(".")[0] == "scipy"]
    return wrong


@pytest.fixture(scope="module")
def house() -> House:
    """The library and the panel of this repository."""
    sources = {}
    for folder, base in (("NephroSynthLib", ROOT), ("NephroSynth", ROOT / "NephroSynth")):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(base).with_suffix("").parts
            sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text("utf-8")
    return built(sources)


LIBRARY = "NephroSynthLib"
RULES: tuple[tuple[Callable[[House], list[str]], dict[str, str], str], ...] = (
    (
        upward_imports,
        {f"{LIBRARY}.imaging.grids": f"def f():\n    from {LIBRARY}.exam import exam\n", f"{LIBRARY}.exam.exam": ""},
        "NephroSynthLib.imaging.grids imports NephroSynthLib.exam.exam",
    ),
    (
        upward_imports,
        {
            f"{LIBRARY}.evaluation.a": f"if TYPE_CHECKING:\n    import {LIBRARY}.registration.b\n",
            f"{LIBRARY}.registration.b": "",
        },
        "NephroSynthLib.evaluation.a imports NephroSynthLib.registration.b",
    ),
    (upward_imports, {f"{LIBRARY}.attic.a": ""}, "the room attic has no floor"),
    (misplaced_libraries, {f"{LIBRARY}.session.a": "import qt"}, "NephroSynthLib.session.a imports qt"),
    (misplaced_libraries, {f"{LIBRARY}.networks.a": "import monai.losses"}, "NephroSynthLib.networks.a imports monai"),
    (
        early_imports,
        {f"{LIBRARY}.evaluation.a": "from monai.metrics import b\ndef f():\n    import ants\n"},
        "NephroSynthLib.evaluation.a imports monai outside a function",
    ),
    (
        file_cycles,
        {"NephroSynthPanel.a": "import NephroSynthPanel.b", "NephroSynthPanel.b": "import NephroSynthPanel.a"},
        "NephroSynthPanel.a <-> NephroSynthPanel.b import each other",
    ),
    (
        room_cycles,
        {
            f"{LIBRARY}.exam.a": f"import {LIBRARY}.jobs.b",
            f"{LIBRARY}.jobs.b": "",
            f"{LIBRARY}.jobs.c": f"import {LIBRARY}.exam.a",
        },
        "exam <-> jobs import each other",
    ),
    (
        shared_stems,
        {f"{LIBRARY}.dicom.series": "", f"{LIBRARY}.exam.policies": "", "NephroSynthPanel.policy": ""},
        "NephroSynthLib.exam.policies and NephroSynthPanel.policy share a noun",
    ),
    (
        untyped_arrays,
        {f"{LIBRARY}.imaging.a": "def f(values: list[np.ndarray]) -> None: ..."},
        "NephroSynthLib.imaging.a:1 annotates with a bare ndarray",
    ),
    (
        odd_scipy_imports,
        {f"{LIBRARY}.imaging.a": "import scipy.ndimage as ndi\nfrom scipy import ndimage"},
        "NephroSynthLib.imaging.a imports scipy.ndimage",
    ),
)


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES), ids=lambda rule: rule.__name__)
def test_this_house_keeps_the_rule(house: House, rule: Callable[[House], list[str]]) -> None:
    violations = rule(house)
    assert not violations, "\n".join(violations)


@pytest.mark.parametrize(("rule", "sources", "violation"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_rule_finds_a_violation(
    rule: Callable[[House], list[str]], sources: dict[str, str], violation: str
) -> None:
    assert rule(built(sources)) == [violation]


def test_each_module_has_its_test_at_the_mirrored_path(house: House) -> None:
    tests = {path.relative_to(ROOT / "Testing/Unit").as_posix() for path in (ROOT / "Testing/Unit").rglob("test_*.py")}
    violations = untested_modules(house, tests)
    assert not violations, "\n".join(violations)


def test_a_module_without_a_test_is_found() -> None:
    house = built({f"{LIBRARY}.exam": "", f"{LIBRARY}.exam.a": "def f(): ...", f"{LIBRARY}.b": "class C: ..."})
    assert untested_modules(house, {"exam/test_a.py"}) == ["NephroSynthLib.b has no Testing/Unit/test_b.py"]


@pytest.mark.parametrize("module", LIGHT)
def test_importing_loads_no_heavy_library(module: str) -> None:
    assert _loaded_by(f"import {module}") == set()


def test_a_heavy_library_that_loads_is_found() -> None:
    assert "scipy" in _loaded_by("from scipy import ndimage")


def _loaded_by(statement: str) -> set[str]:
    """Returns the heavy libraries that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & set(HEAVY)
