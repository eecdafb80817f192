"""The extension as CMake installs it, with stand-ins of Slicer's macros, against what the module needs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from NephroSynthLib.cohort.batch_jobs import BATCH_JOBS
from NephroSynthLib.methods.registry import METHODS

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).parent / "SlicerStandIn"
MODULES = Path("lib/Slicer-5.12/qt-scripted-modules")
CLI_MODULES = Path("lib/Slicer-5.12/cli-modules")
SOURCE_PATH = (ROOT, ROOT / "NephroSynth")
"""Where `NephroSynthLib` and the module's own packages are found in the source tree."""

JOB_FILES = (
    *(file for file in (ROOT / "NephroSynthLib/jobs").glob("*.py") if file.stem not in ("worker", "conversation")),
    ROOT / "NephroSynthLib/cohort/batch_jobs.py",
)

LISTED_JOBS = {"find-exams", "list-exams", "run-listed"}
"""The jobs that the batch of the panel gives to a worker."""

pytestmark = pytest.mark.system("cmake")


def _run(*command: str | Path, **options: object) -> str:
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The build tree and the installed tree."""
    build, installed = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("installed")
    # The project has no compiled code: any program does for a compiler that is never called.
    no_compiler = [
        option
        for language in ("C", "CXX")
        for option in (f"-DCMAKE_{language}_COMPILER={sys.executable}", f"-DCMAKE_{language}_COMPILER_FORCED=TRUE")
    ]
    _run("cmake", "-S", ROOT, "-B", build, f"-DSlicer_DIR={STAND_IN}", *no_compiler)
    _run("cmake", "--build", build)
    _run("cmake", "--install", build, "--prefix", installed)
    return build, installed


@pytest.fixture(scope="module")
def modules(trees: tuple[Path, Path]) -> Path:
    """The folder of scripted modules in the installed tree."""
    return trees[1] / MODULES


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _panel_jobs() -> set[str]:
    """The jobs that the plans of the panel give to a worker."""
    plans = (ROOT / "NephroSynthLib/mrml").glob("*_plan.py")
    files = [*(ROOT / "NephroSynth/NephroSynthPanel").glob("*.py"), *plans]
    calls = [node for file in files for node in ast.walk(_tree(file)) if isinstance(node, ast.keyword)]
    commands = [node.value for node in calls if node.arg == "command"]
    return {
        one.value
        for command in commands
        for one in ast.walk(command)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value
    }


@cache
def _job_functions() -> set[str]:
    """The functions in the files of the jobs that the panel's jobs may come to."""
    functions = {
        node.name: node for file in JOB_FILES for node in _tree(file).body if isinstance(node, ast.FunctionDef)
    }
    reached: set[str] = set()
    found = {BATCH_JOBS[job].work.__name__ for job in _panel_jobs() | LISTED_JOBS} | {"execute"}
    while found:
        name = found.pop()
        reached.add(name)
        nodes = list(ast.walk(functions[name]))
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        found |= (used & functions.keys()) - reached
    return reached


def _code(file: Path) -> list[ast.AST]:
    """What may run of a file: all of it, but of the files of the jobs only what the panel's jobs come to."""
    parts: list[ast.stmt] = _tree(file).body
    if file in JOB_FILES:
        reached = _job_functions()
        parts = [part for part in parts if not isinstance(part, ast.FunctionDef) or part.name in reached]
    return [node for part in parts for node in _without_training(part)]


def _without_training(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, except imports for types and the functions by which a method is trained."""
    if isinstance(node, ast.FunctionDef) and node.name == "training_module":
        return
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _without_training(child)


def _imports(file: Path) -> Iterator[str]:
    """Names that a file imports where it may run, each package's own file included."""
    for node in _code(file):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _source(name: str) -> Path | None:
    for folder in SOURCE_PATH:
        path = folder.joinpath(*name.split("."))
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return file
    return None


@cache
def _needed_python() -> set[Path]:
    """The module, the worker with the jobs that the panel starts, and all of the project that they import."""
    seen: set[Path] = set()
    methods = [_source(entry.where.partition(":")[0]) for entry in METHODS.values()]
    worker = ROOT / "NephroSynthLib/cohort/batch_worker.py"
    found = [ROOT / "NephroSynth/NephroSynth.py", worker, *filter(None, methods)]
    while found:
        file = found.pop()
        if file not in seen:
            seen.add(file)
            found.extend(source for name in _imports(file) if (source := _source(name)) is not None)
    return seen


def _installed_as(source: Path) -> Path:
    """Where a source file belongs among the installed modules."""
    relative = source.relative_to(ROOT)
    return relative.relative_to("NephroSynth") if relative.parts[0] == "NephroSynth" else relative


def test_the_jobs_of_the_panel_are_found() -> None:
    assert _panel_jobs() == {"run", "sample", "inventory", "export-result", "phases-of-exam"}
    batch = (ROOT / "NephroSynthLib/session/exam_batch.py").read_text(encoding="utf-8")
    assert all(f'"{job}"' in batch for job in LISTED_JOBS)


def test_the_python_files_installed_are_those_that_the_module_and_its_worker_import(modules: Path) -> None:
    installed = {file.relative_to(modules) for file in modules.rglob("*.py")}
    assert installed == {_installed_as(file) for file in _needed_python()}


def test_each_data_file_installed_is_named_in_installed_code_and_each_named_one_is_installed(modules: Path) -> None:
    data = {file for file in modules.rglob("*") if file.is_file() and file.suffix != ".py"}
    code = "\n".join(file.read_text(encoding="utf-8") for file in modules.rglob("*.py"))
    bundles = {file for file in data if file.parent == modules / "NephroSynthLib/models/weights"}
    by_convention = {
        modules / "Resources/Icons/NephroSynth.png",  # the icon of a scripted module has the module's name
        modules / "Resources/Icons/NephroSynthExam.png",
        modules / "NephroSynthLib/py.typed",  # PEP 561
    }
    assert by_convention <= data
    assert '"NephroSynthExam.png"' in code
    beside_code = {file for file in data if file.with_suffix(".py").is_file()}  # Path(__file__).with_suffix(".json")
    unnamed = {file.name for file in data - bundles - by_convention - beside_code if file.name not in code}
    assert unnamed == set()
    named = set(re.findall(r"[\w-]+\.(?:ui|png|svg|j2|js|txt|json)\b", code))
    shipped = {file.name for folder in ("NephroSynth", "NephroSynthLib") for file in (ROOT / folder).rglob("*")}
    assert named & shipped <= {file.name for file in data}


def test_every_bundled_model_and_every_data_file_is_installed_unchanged(modules: Path) -> None:
    suffixes = (".safetensors", ".json", ".j2", ".js", ".typed", ".ui", ".png", ".txt", ".py")
    for file in modules.rglob("*"):
        if file.is_file():
            relative = file.relative_to(modules)
            source = ROOT / relative if relative.parts[0] == "NephroSynthLib" else ROOT / "NephroSynth" / relative
            assert source.suffix in suffixes, relative
            assert file.read_bytes() == source.read_bytes(), relative
    weights = {file.name for file in (ROOT / "NephroSynthLib/models/weights").glob("*.safetensors")}
    assert weights
    assert weights == {file.name for file in (modules / "NephroSynthLib/models/weights").iterdir()}


def test_nothing_but_the_modules_and_the_description_is_installed(trees: tuple[Path, Path]) -> None:
    elsewhere = {
        file.relative_to(trees[1]) for file in trees[1].rglob("*") if file.is_file() and MODULES not in file.parents
    }
    outside = {path for path in elsewhere if not path.is_relative_to(MODULES)}
    assert outside == {
        Path("share/Slicer-5.12/NephroSynth.s4ext"),
        CLI_MODULES / "NephroSynthCLI.py",
        CLI_MODULES / "NephroSynthCLI.xml",
    }


def test_the_description_names_the_pytorch_extension_and_pictures_of_this_repository(trees: tuple[Path, Path]) -> None:
    text = (trees[1] / "share/Slicer-5.12/NephroSynth.s4ext").read_text(encoding="utf-8")
    lines = dict(line.split(" ", 1) for line in text.splitlines())
    assert "PyTorch" in lines["depends"].split()
    assert lines["description"].endswith(".")
    for url in (lines["iconurl"], *lines["screenshoturls"].split()):
        path = url.split("/main/", 1)[1]
        assert (ROOT / path).is_file(), path


def test_ctest_knows_the_modules_own_test(trees: tuple[Path, Path]) -> None:
    listed = _run("ctest", "-N", "--test-dir", trees[0])
    assert re.search(r": py_NephroSynth$", listed, re.MULTILINE)
    assert "py_nomainwindow_qSlicerNephroSynthModuleGenericTest" in listed


@pytest.fixture
def installed_alone(modules: Path, tmp_path: Path) -> dict[str, str]:
    """An environment in which Python finds the installed modules, and the source tree nowhere."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**environment, "PYTHONPATH": str(modules), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path)}


def test_every_installed_library_file_imports_from_the_installed_folder_alone(
    modules: Path, installed_alone: dict[str, str], tmp_path: Path
) -> None:
    files = sorted((modules / "NephroSynthLib").rglob("*.py"))
    names = [".".join(file.relative_to(modules).with_suffix("").parts).removesuffix(".__init__") for file in files]
    program = (
        "import importlib, pathlib, sys\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    module = importlib.import_module(name)\n"
        "    assert home in pathlib.Path(module.__file__).parents, module.__file__\n"
    )
    _run(sys.executable, "-c", program, modules, *names, cwd=tmp_path, env=installed_alone)


def test_the_installed_command_line_module_finds_the_library(
    trees: tuple[Path, Path], installed_alone: dict[str, str], tmp_path: Path
) -> None:
    environment = {name: value for name, value in installed_alone.items() if name != "PYTHONPATH"}
    script = trees[1] / CLI_MODULES / "NephroSynthCLI.py"
    missing = [str(tmp_path / name) for name in ("noncontrast.nrrd", "excretory.nrrd", "synthetic.nrrd")]
    finished = subprocess.run(
        [sys.executable, str(script), *missing],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert finished.returncode == 3, finished.stderr
    assert "Traceback" not in finished.stderr
    assert "non-contrast phase does not exist" in finished.stderr


def test_the_installed_worker_reads_its_bundled_models(
    modules: Path, installed_alone: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "from NephroSynthLib.models.bundle import list_bundles, load_bundle\n"
        "for name, path in list_bundles().items():\n"
        "    print(load_bundle(name).metadata.task, path)\n"
    )
    printed = _run(sys.executable, "-c", program, cwd=tmp_path, env=installed_alone)
    assert {line.split()[0] for line in printed.splitlines()} == {"segmentation", "synthesis"}
    assert all(str(modules) in line for line in printed.splitlines())
    messages, status = _ask_worker("nothing", {}, tmp_path, installed_alone)
    assert messages[0]["type"] == "hello"
    assert status == 2, messages


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("prepare", {"task": "synthesis", "cohort": "cohort", "out": "prepared", "held_out": 0.2}),
        (
            "train",
            {"task": "synthesis", "out": "run", "steps": 1, "exams": 1, "seed": 0, "batch_size": 1}
            | {"learning_rate": 1e-4, "preparers": 1},
        ),
        (
            "send",
            {"folder": "dicom", "host": "localhost", "port": 11112}
            | {"ae_title": "PACS", "own_ae_title": "NEPHROSYNTH", "timeout_s": 1.0},
        ),
    ],
)
def test_a_job_that_is_not_installed_says_so(
    installed_alone: dict[str, str], tmp_path: Path, command: str, arguments: dict[str, object]
) -> None:
    messages, status = _ask_worker(command, arguments, tmp_path, installed_alone)
    error = messages[-1]
    assert error.get("what") == "This job is not part of the Slicer extension.", error
    assert status == error["exit_code"] == 2


def _ask_worker(
    command: str, arguments: dict[str, object], folder: Path, environment: dict[str, str]
) -> tuple[list[dict[str, object]], int]:
    """Gives a job to the installed worker, and returns its messages and its exit status."""
    worker = [sys.executable, "-m", "NephroSynthLib.jobs.worker"]
    with subprocess.Popen(
        worker, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
    ) as process:
        process.stdin.write(json.dumps({"command": command, "arguments": arguments}) + "\n")
        process.stdin.flush()  # and not closed: the worker would take that as its parent's end
        messages = [json.loads(line) for line in process.stdout]
    return messages, process.returncode
