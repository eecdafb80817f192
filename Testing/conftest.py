"""Tests that need a program or a screen say so by the marker `system`, and where all of these are there, must run."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALL_THERE = os.environ.get("NEPHROSYNTH_SYSTEM_PACKAGES") == "all"
"""Set by `.ci/run` after it has installed what tests need; then a skipped system test is a failed one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that open windows."""
    for item in items:
        if {HERE / "Gui", HERE / "SlicerHost"} & set(item.path.parents):
            item.add_marker(pytest.mark.system)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a system test that was skipped although all it needs should be there."""
    report = yield
    if ALL_THERE and report.skipped and item.get_closest_marker("system"):
        report.outcome = "failed"
        report.longrepr = f"Skipped where it must run: {report.longrepr}"
    return report
