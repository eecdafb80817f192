"""The wheel, built from a copy of the source: its content, its command and what describes a release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from NephroSynthLib import __version__

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
DATA = (".safetensors", ".css", ".j2", ".js", ".json", ".typed")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    try:
        old = int(metadata.version("setuptools").split(".")[0]) < 77
    except metadata.PackageNotFoundError:
        old = True
    if old:
        pytest.skip("setuptools 77 or later is not installed, which builds the wheel")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(ROOT / name, source)
    for name in ("NephroSynthLib", "Testing"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-c", BUILD, str(built)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = built.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_holds_the_library_whole_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "NephroSynthLib").rglob("*")
        if path.suffix in (".py", *DATA)
    }
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == files
    assert any(name.endswith(".safetensors") for name in packed)


def test_the_command_of_the_wheel_runs_with_the_weights_in_it(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "installed")
    program = [sys.executable, "-m", "NephroSynthLib.cli.start", "models", "verify", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "PYTHONSAFEPATH": "1"}
    shown = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    paths = [model["path"] for model in json.loads(shown.stdout)["models"]]
    assert paths
    assert all(path.startswith(str(tmp_path / "installed")) for path in paths)


def test_the_wheel_tells_its_version_command_and_extras(wheel: zipfile.ZipFile) -> None:
    (text,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    assert f"\nVersion: {__version__}\n" in text
    extras = set(re.findall(r"^Provides-Extra: (\S+)$", text, re.MULTILINE))
    assert {"dicom", "train", "ray", "slicer", "view"} <= extras
    (entries,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "nephrosynth = NephroSynthLib.cli.start:main" in entries


def test_the_version_stands_in_one_place_and_has_its_changes() -> None:
    assert "\nversion:" not in (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == __version__


def test_the_citation_names_the_licence_and_the_home_of_the_project() -> None:
    text = (ROOT / "CITATION.cff").read_text()
    assert "cff-version: 1.2.0\n" in text
    assert "license: Apache-2.0\n" in text
    (home,) = re.findall(r"^repository-code: (\S+)$", text, re.MULTILINE)
    assert f'"{home}"' in (ROOT / "CMakeLists.txt").read_text()


def test_the_container_file_copies_what_is_there_and_takes_the_tested_versions() -> None:
    text = (ROOT / "Resources/Containerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in lines} == known
    assert re.fullmatch(r"FROM \S+/python:3\.\d+-slim-[a-z]+", lines[0])  # Python and Debian are pinned
    assert all("--no-cache-dir" in line for line in lines if "pip install" in line)
    assert [line for line in lines if line.startswith("USER")] == ["USER nephrosynth"]
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert all("--constraint /build/constraints.txt" in line for line in lines if "pip install" in line)
    extras = re.findall(r"/build\[([a-z,]+)\]", text)[0].split(",")
    assert all(re.search(rf"^{extra} = ", (ROOT / "pyproject.toml").read_text(), re.MULTILINE) for extra in extras)
    for option in ("ENTRYPOINT", "CMD"):
        (command,) = (line.removeprefix(option) for line in lines if line.startswith(option))
        assert json.loads(command)
