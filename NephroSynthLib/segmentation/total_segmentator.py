"""Kidneys of TotalSegmentator, where a user has installed it: Wasserthal et al., Radiology: AI 5 (2023), e230024.

It is called through its public Python function. It downloads its own weights at its first call.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, ModelError, NoKidneyError
from NephroSynthLib.exam.kidney_labels import read_kidneys
from NephroSynthLib.models.device import resolve_device

TOTALSEGMENTATOR = "totalsegmentator"
"""The name that stands for TotalSegmentator where a segmenter is chosen."""

_KIDNEYS = ["kidney_right", "kidney_left"]


def is_installed() -> bool:
    """Whether TotalSegmentator is there."""
    return importlib.util.find_spec("totalsegmentator") is not None


def check_installed() -> None:
    """Checks that TotalSegmentator is there.

    Raises:
        ModelError: If it is not.
    """
    if not is_installed():
        raise ModelError("TotalSegmentator is not installed.", Action.INSTALL_TOTALSEGMENTATOR)


def version() -> str:
    """Returns the name of the package with its version, such as 'TotalSegmentator 2.4.0'."""
    try:
        return f"TotalSegmentator {importlib.metadata.version('TotalSegmentator')}"
    except importlib.metadata.PackageNotFoundError:
        return "TotalSegmentator"


def kidneys_of_total_segmentator(image: sitk.Image, device: str) -> sitk.Image:
    """Finds the kidneys in a CT.

    Args:
        image: HU.
        device: Where it runs, as in the settings of a run.

    Returns:
        uint8 on the grid of the CT: 0, 1 right, 2 left; all 0 where none is found.

    Raises:
        ModelError: If TotalSegmentator is not installed, or fails.
        ResourceError: If the device is not there.
    """
    check_installed()
    where = resolve_device(device)
    with TemporaryDirectory(prefix="kidneys-", ignore_cleanup_errors=True) as folder:
        ct, masks = Path(folder) / "ct.nii.gz", Path(folder) / "masks"
        sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat32), str(ct))
        masks.mkdir()
        _call(ct, masks, "gpu" if where.type == "cuda" else where.type)
        try:
            return read_kidneys(masks, image)[0]
        except NoKidneyError:
            none = sitk.GetImageFromArray(np.zeros(image.GetSize()[::-1], np.uint8))
            none.CopyInformation(image)
            return none


def _call(ct: Path, masks: Path, device: str) -> None:
    """Runs it with its output on standard error, because standard output carries the protocol of the worker."""
    from totalsegmentator.python_api import totalsegmentator

    try:
        with redirect_stdout(sys.stderr):
            totalsegmentator(ct, masks, task="total", roi_subset=_KIDNEYS, device=device, quiet=True)
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"TotalSegmentator failed ({type(error).__name__}).", Action.INSTALL_TOTALSEGMENTATOR
        ) from error
