"""The script that installs system packages, beside programs that stand in for those of a Debian machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / ".ci"
LISTED = [line.split(maxsplit=2) for line in (CI / "system-packages.txt").read_text().splitlines()]
PACKAGES = {row[1]: row[2] for row in LISTED if row and row[0] == "test"}

Debian = Callable[..., subprocess.CompletedProcess[str]]
PROGRAMS = {
    "id": "echo {uid}",
    "dpkg-query": """for name; do grep -qxF "$name" {state} && echo "installed $name"; done; true""",
    "apt-get": """echo "apt-get $*" >>{calls}; case "$*" in *install*) [ {apt} = works ] || exit 100
        for name; do case $name in [a-z]*) echo "$name" >>{state} ;; esac; done ;; esac""",
    "sudo": """[ {sudo} = yes ] || exit 1; shift; "$@" """,
}


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    """Runs the script on a machine of which only the package database, apt, sudo and the user are stood in for."""
    state, calls, programs = tmp_path / "installed", tmp_path / "calls", tmp_path / "bin"
    state.write_text("cmake\n")
    calls.touch()
    programs.mkdir()
    for name in ("awk", "dirname", "env", "grep"):
        (programs / name).symlink_to(str(shutil.which(name)))

    def run(*, uid: int = 0, sudo: str = "no", apt: str = "works") -> subprocess.CompletedProcess[str]:
        for name, text in PROGRAMS.items():
            values = {"uid": uid, "sudo": sudo, "apt": apt, "state": state, "calls": calls}
            program = programs / name
            program.unlink(missing_ok=True)
            if name != "apt-get" or apt != "none":
                program.write_text(f"#!/bin/sh\n{text.format(**values)}\n")
                program.chmod(0o755)
        return subprocess.run(
            ["/bin/sh", str(CI / "system-packages"), "test"],
            env={"PATH": str(programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("user", [{"uid": 0}, {"uid": 1000, "sudo": "yes"}], ids=["root", "sudo"])
def test_it_installs_only_the_packages_that_are_missing(debian: Debian, tmp_path: Path, user: dict) -> None:
    assert debian(**user).returncode == 0
    [update, install] = (tmp_path / "calls").read_text().splitlines()
    assert update.endswith("update")
    assert set(install.split()) & {*PACKAGES} == {*PACKAGES} - {"cmake"}


def test_a_second_call_uses_no_network_and_prints_nothing(debian: Debian, tmp_path: Path) -> None:
    debian()
    (tmp_path / "calls").unlink()
    second = debian()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert not (tmp_path / "calls").exists()


@pytest.mark.parametrize(
    ("machine", "problem"),
    [
        ({"uid": 1000}, "sudo without a password is not available"),
        ({"apt": "none"}, "no apt-get"),
        ({"apt": "fails"}, "apt-get failed"),
    ],
)
def test_it_says_which_packages_are_missing_and_why(debian: Debian, machine: dict, problem: str) -> None:
    run = debian(**machine)
    assert run.returncode == 1
    assert problem in run.stdout
    told = {
        name: line.split(": ", 1)[1]
        for line in run.stdout.splitlines()
        if line.startswith("  ")
        for name in line.split(": ")[0].split()
    }
    assert told == {name: reason for name, reason in PACKAGES.items() if name != "cmake"}


def test_every_package_has_a_purpose_and_a_reason() -> None:
    for row in LISTED:
        assert not row or row[0] == "#" or (row[0] in ("setup", "test", "browser") and len(row) == 3), row


def test_the_tests_name_only_packages_of_the_list() -> None:
    needs = (CI.parent / "Testing" / "system_needs.py").read_text()
    named = set(re.findall(r'_program\("\w+", "([\w-]+)"\)|package ([\w-]+)\)', needs))
    listed = {row[1] for row in LISTED if row and row[0] in ("test", "browser")}
    assert {first or second for first, second in named} <= listed
