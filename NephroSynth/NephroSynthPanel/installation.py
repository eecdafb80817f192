"""The first use: finds missing Python packages, asks for consent, and installs them beside Slicer's own packages."""

from __future__ import annotations

import importlib
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
TORCH = Requirement("torch>=2.5")
KEPT = ("numpy", "scipy", "SimpleITK", "pydicom", "requests", "vtk", "torch")
"""Packages that come with Slicer or with its PyTorch extension. pip must not replace them.

The one exception is pydicom, if it is too old: Slicer 5.10 has pydicom 2.4, but highdicom needs 3. Slicer's own DICOM
modules work with pydicom 3.
"""

_ONE = threading.Lock()  # locked while packages are installed
_replaced: list[str] = []  # packages whose old version Slicer has in memory


def requirements() -> list[Requirement]:
    """The required packages, without PyTorch."""
    lines = (line.strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def missing(wanted: Sequence[Requirement]) -> list[Requirement]:
    """The requirements that the installed packages do not meet."""
    return [requirement for requirement in wanted if not _satisfied(requirement)]


def ensure_dependencies(ui: Any) -> None:
    """Installs missing packages, if the user agrees.

    Args:
        ui: The panel's widgets. Those that start work are disabled during the installation.

    Raises:
        ResourceError: If the user does not agree, the installation fails, or Slicer needs a restart after it.
        UsageError: If an installation is in progress.
    """
    packages, torch = missing(requirements()), missing([TORCH])
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
        for section in (ui.inputsSection, ui.runWidget, ui.exportSection):
            after.callback(setattr, section, "enabled", section.enabled)
            section.enabled = False
        after.callback(setattr, ui.statusLabel, "text", ui.statusLabel.text)
        ui.statusLabel.text = _("Installing packages…")
        yield


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


def constraints(wanted: Sequence[Requirement]) -> list[str]:
    """Constraints for pip that keep Slicer's own packages at their versions, except the packages in `wanted`."""
    renewed = {requirement.name for requirement in wanted}
    lines = []
    for name in (one for one in KEPT if one not in renewed):
        try:
            lines.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return lines


def _satisfied(requirement: Requirement) -> bool:
    try:
        return metadata.version(requirement.name) in requirement.specifier
    except metadata.PackageNotFoundError:
        return False


def _consent(packages: Sequence[Requirement]) -> bool:
    renewed = _("Slicer's own pydicom is too old and is replaced by a newer one.")
    kept = _("Slicer's SimpleITK and numpy are not replaced.")
    replaced = f"{kept} {renewed}" if any(package.name == "pydicom" for package in packages) else kept
    return bool(
        slicer.util.confirmOkCancelDisplay(
            _(
                "NephroSynth needs Python packages that are not installed yet; PyTorch alone takes up to 3 GB.\n\n"
                "They are downloaded from the Python package index into Slicer's own Python. Nothing about your data"
                " is sent. {replaced}\n\nInstall them now?"
            ).format(replaced=replaced),
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
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=str(TORCH.specifier)) is None:
        raise ResourceError(_("PyTorch was not installed."), Action.INSTALL_PYTORCH)


def _install(packages: Sequence[Requirement]) -> None:
    names = [str(package) for package in packages]
    with tempfile.TemporaryDirectory(prefix="nephrosynth-") as folder:
        held = Path(folder) / "constraints.txt"
        held.write_text("\n".join(constraints(packages)), encoding="utf-8")
        try:
            _pip_install(names, held)
        except Exception as error:  # pip raises errors of many kinds
            raise ResourceError(
                _("The installation of {names} failed.").format(names=_names(packages)),
                Action.CHECK_NETWORK,
            ) from error


def _pip_install(names: Sequence[str], constraints: Path) -> None:
    try:
        from slicer import packaging
    except ImportError:  # Slicer 5.10
        slicer.util.pip_install(["--constraint", str(constraints), *names])
    else:
        packaging.pip_install(names, constraints=constraints, requester="NephroSynth")


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
