"""The first use: finds missing Python packages, asks for consent, and installs them beside Slicer's own packages."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import slicer
from packaging.requirements import Requirement
from slicer.i18n import tr as _

from NephroSynthLib.errors import Action, ResourceError, UsageError

REQUIREMENTS = Path(__file__).parents[1] / "Resources" / "requirements.txt"
TORCH = Requirement("torch>=2.5,<2.13" if sys.platform == "win32" else "torch>=2.5,<2.14")
"""The tested versions of PyTorch. PyTorch 2.13 does not load in Slicer 5.12 for Windows."""
KEPT = ("numpy", "scipy", "SimpleITK", "pydicom", "requests", "vtk", "torch")
"""Packages that come with Slicer or with its PyTorch extension. pip must not replace them."""

_ONE = threading.Lock()  # locked while packages are installed
_replaced: list[str] = []  # packages whose old version Slicer has in memory


def requirements() -> list[Requirement]:
    """The required packages, without PyTorch."""
    lines = (line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def missing(wanted: Sequence[Requirement]) -> list[Requirement]:
    """The requirements that the installed packages do not meet.

    A newer version than those tested stays, because another extension may need it.
    """
    return [requirement for requirement in wanted if not _satisfied(requirement)]


def refusal(torch_missing: bool) -> ResourceError | None:
    """The reason why NephroSynth cannot work in this Slicer, or None.

    Args:
        torch_missing: Whether PyTorch would have to be installed.
    """
    if importlib.util.find_spec("slicer.packaging") is None:
        return ResourceError(_("NephroSynth needs Slicer 5.12 or later."), Action.UPDATE_SLICER)
    if torch_missing and sys.platform == "darwin" and platform.machine() == "x86_64":
        return ResourceError(
            _(
                "PyTorch cannot be installed in this Slicer: its Python is made for Intel Macs (x86_64), also on a Mac"
                " with an Apple chip. PyTorch for Intel Macs ends at version 2.2, which does not work with Slicer's"
                " numpy."
            ),
            Action.USE_OTHER_SYSTEM,
        )
    return None


def ensure_dependencies(ui: Any = None) -> None:
    """Installs missing packages, if the user agrees.

    Args:
        ui: The panel's widgets. Those that start work are disabled during the installation. None without a panel.

    Raises:
        ResourceError: If this Slicer cannot have the packages, the user does not agree, the installation fails, or
            Slicer needs a restart after it.
        UsageError: If an installation is in progress.
    """
    packages, torch = missing(requirements()), missing([TORCH])
    problem = refusal(bool(torch))
    if problem is not None:
        raise problem
    if packages or torch:
        with _alone(ui):
            _ensure(packages, torch)
    if _replaced:
        raise ResourceError(
            _("Packages that Slicer had in use were replaced: {names}.").format(names=", ".join(_replaced)),
            Action.RESTART_SLICER,
        )


def in_progress() -> bool:
    """Whether packages are being installed."""
    return _ONE.locked()


@contextmanager
def _alone(ui: Any) -> Iterator[None]:
    """Disables everything that starts work, because Slicer's event loop runs during the installation."""
    if not _ONE.acquire(blocking=False):
        raise UsageError(_("The packages are being installed already."), Action.WAIT)
    with ExitStack() as after:
        after.callback(_ONE.release)
        if ui is not None:
            _disable(ui, after)
        yield


def _disable(ui: Any, after: ExitStack) -> None:
    """Disables the sections that start work until `after` is closed."""
    for section in (ui.inputsSection, ui.runWidget, ui.exportSection):
        after.callback(setattr, section, "enabled", section.enabled)
        section.enabled = False
    after.callback(setattr, ui.statusLabel, "text", ui.statusLabel.text)
    ui.statusLabel.text = _("Installing packages…")


def _ensure(packages: Sequence[Requirement], torch: Sequence[Requirement]) -> None:
    if not _consent([*packages, *torch]):
        raise ResourceError(
            _("The Python packages that NephroSynth needs are not installed."),
            Action.AGREE_TO_INSTALL,
        )
    before = _versions()
    try:
        if torch:
            _install_torch()
        if packages:
            _install(packages)
    finally:
        importlib.invalidate_caches()
        _replaced.extend(replaced_while_loaded(before, _versions()))
    left = missing([*requirements(), TORCH])
    if left:
        raise ResourceError(
            _("The installation ended, but these packages are still missing: {names}.").format(names=_names(left)),
            Action.CHECK_NETWORK,
        )
    if _replaced:
        _advise_restart(_replaced)


def replaced_while_loaded(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The packages whose version changed although Slicer has imported the old version."""
    loaded = {name.split(".")[0] for name in sys.modules}
    modules = metadata.packages_distributions()
    imported = {distribution for name in loaded for distribution in modules.get(name, ())}
    return sorted(name for name, version in before.items() if after.get(name, version) != version and name in imported)


def constraints() -> list[str]:
    """Constraints for pip that keep Slicer's own packages at their versions."""
    lines = []
    for name in KEPT:
        try:
            lines.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return lines


def _satisfied(requirement: Requirement) -> bool:
    least = [one for one in requirement.specifier if one.operator == ">="]
    try:
        return all(metadata.version(requirement.name) in one for one in least)
    except metadata.PackageNotFoundError:
        return False


def _consent(packages: Sequence[Requirement]) -> bool:
    return bool(
        slicer.util.confirmOkCancelDisplay(
            _(
                "NephroSynth needs Python packages that are not installed yet; PyTorch alone takes up to 3 GB.\n\n"
                "They are downloaded from the Python package index into Slicer's own Python. Nothing about your data"
                " is sent. Slicer's SimpleITK and numpy are not replaced.\n\nInstall them now?"
            ),
            windowTitle=_("NephroSynth: first use"),
            detailedText="\n".join(str(package) for package in packages),
        )
    )


def _install_torch() -> None:
    try:
        import PyTorchUtils  # Slicer's PyTorch extension chooses the build for the GPU of this computer
    except ImportError as error:
        raise ResourceError(
            _("The PyTorch extension is not installed."),
            Action.INSTALL_PYTORCH_EXTENSION,
        ) from error
    try:
        installed = PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=str(TORCH.specifier))
    except Exception as error:  # pip and the extension raise errors of many kinds
        raise ResourceError(_("The installation of PyTorch failed."), Action.CHECK_NETWORK) from error
    if installed is None:
        raise ResourceError(_("PyTorch was not installed."), Action.INSTALL_PYTORCH)


def _install(packages: Sequence[Requirement]) -> None:
    from slicer import packaging

    names = [str(package) for package in packages]
    with tempfile.TemporaryDirectory(prefix="nephrosynth-") as folder:
        held = Path(folder) / "constraints.txt"
        held.write_text("\n".join(constraints()), encoding="utf-8")
        try:
            packaging.pip_install(names, constraints=held, requester="NephroSynth")
        except Exception as error:  # pip raises errors of many kinds
            raise ResourceError(
                _("The installation of {names} failed.").format(names=_names(packages)),
                Action.CHECK_NETWORK,
            ) from error


def _advise_restart(changed: Sequence[str]) -> None:
    if slicer.util.confirmYesNoDisplay(
        _("These packages were in use and have been updated: {names}.\n\nRestart Slicer now?").format(
            names=", ".join(changed)
        ),
        windowTitle=_("NephroSynth: restart"),
    ):
        slicer.util.restart()


def _versions() -> dict[str, str]:
    return {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]}


def _names(packages: Sequence[Requirement]) -> str:
    return ", ".join(package.name for package in packages)
