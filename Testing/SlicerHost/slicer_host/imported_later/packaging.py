"""slicer.packaging (Slicer/Base/Python/slicer/packaging.py): runs pip of Slicer's own Python behind a modal dialog."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import qt
import slicer

_CLOSES_ITSELF = "closesItself"
"""Property of dialogs that no user can answer."""


def pip_install(
    requirements: str | list[str],
    constraints: str | Path | None = None,
    no_deps_requirements: str | list[str] | None = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
) -> None:
    """Installs packages; the event loop runs meanwhile.

    Raises:
        subprocess.CalledProcessError: If pip fails. An error dialog is shown first.
    """
    if no_deps_requirements or skip_packages or not blocking or not show_progress:
        raise ValueError("this host offers neither no_deps_requirements nor skip_packages, and always shows a dialog")
    held = ["--constraint", str(constraints)] if constraints is not None else []
    title = "Installing Python Packages"
    dialog = _modal_dialog(f"{requester} - {title}" if requester else title)
    pip = qt.QProcess()
    pip.setProcessChannelMode(qt.QProcess.MergedChannels)
    pip.start("PythonSlicer", ["-m", "pip", "install", *held, *_listed(requirements)])
    while pip.state() != qt.QProcess.NotRunning:
        slicer.app.processEvents()
        qt.QThread.msleep(10)
    dialog.close()
    if pip.exitCode() != 0:
        log = pip.readAllStandardOutput().data().decode(errors="replace")
        slicer.util.errorDisplay("Package installation failed.", detailedText=log)
        raise subprocess.CalledProcessError(pip.exitCode(), "pip install")


def _listed(requirements: str | list[str]) -> list[str]:
    return shlex.split(requirements) if isinstance(requirements, str) else list(requirements)


def _modal_dialog(title: str) -> qt.QDialog:
    """Shows a dialog that takes all clicks until it is closed."""
    dialog = qt.QDialog(slicer.util.mainWindow())
    dialog.setModal(True)
    dialog.setWindowTitle(title)
    dialog.setProperty(_CLOSES_ITSELF, True)
    qt.QVBoxLayout(dialog).addWidget(qt.QLabel("Installing packages..."))
    dialog.show()
    slicer.app.processEvents()
    return dialog
