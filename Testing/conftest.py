"""Skips the tests whose needs this machine does not meet, and lists at the end what was skipped and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from system_needs import NEVER_DEMANDED, missing, room_needs

MUST_RUN = os.environ.get("NEPHROSYNTH_SYSTEM_PACKAGES") == "all"
"""Set by `make test` where all system packages are installed: a test that lacks something then fails."""


ALL_TESTS = "all its tests"

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
if WORKERS > 1:
    for variable in THREADS:  # before torch, ANTs and SimpleITK are imported, so that workers share the processors
        os.environ.setdefault(variable, str(max(1, (os.cpu_count() or 1) // WORKERS)))


class FileThatLacks(pytest.File):
    """A file of tests that cannot be imported here; it counts as one test."""

    def collect(self) -> Iterator[pytest.Item]:
        yield TestsThatLack.from_parent(self, name=ALL_TESTS)


class TestsThatLack(pytest.Item):
    """Stands for the tests of a file that cannot be imported here."""

    def runtest(self) -> None:
        """Does nothing, because `pytest_runtest_setup` ends before it."""


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> FileThatLacks | None:
    """Keeps a file from being imported where its folder needs something that is missing."""
    need = room_needs(module_path)
    return FileThatLacks.from_parent(parent, path=module_path) if need and missing(need) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests in the folders that need something as a whole.

    Raises:
        UsageError: The name of a test differs from process to process, which parallel workers do not allow.
    """
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"Give the parameters of this test ids that hold no address: {item.nodeid}")
        if need := room_needs(item.path):
            item.add_marker(pytest.mark.system(need))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose needs are not met, or fails it where they must be."""
    for marker in item.iter_markers("system"):
        for need in marker.args:
            if reason := missing(need):
                must_run = MUST_RUN and need not in NEVER_DEMANDED
                pytest.fail(reason, pytrace=False) if must_run else pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Lists the reasons for skipped tests, each once with the number of tests or files."""
    reasons = Counter(map(_reason, terminalreporter.stats.get("skipped", ())))
    if reasons:
        terminalreporter.section("Skipped")
        for (unit, reason), count in reasons.most_common():
            terminalreporter.write_line(f"{count:4} {unit}{'s' if count > 1 else ''}: {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str]:
    unit = "file" if report.nodeid.endswith(ALL_TESTS) or isinstance(report, pytest.CollectReport) else "test"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return unit, reason.removeprefix("Skipped: ")
