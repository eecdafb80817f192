"""Stage 1: one affine map of the whole abdomen with ANTs, on coarse windowed copies of both phases."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.registration.geometry import (
    FloatArray,
    WorkingGrid,
    affine_transform,
    apply,
    extent,
    matrix_of,
    translation,
)

if TYPE_CHECKING:
    from ants import ANTsImage

SPACING_MM = 4.0
_SEED = "20250226"


def register_affine(fixed: sitk.Image, moving: sitk.Image, starts: Sequence[FloatArray] = (np.eye(4),)) -> FloatArray:
    """Aligns two phases by translation, then rigidly, then by an affine map (Mattes mutual information).

    The same input gives the same map, because ANTs runs on one thread with regular sampling and a fixed seed.

    Args:
        fixed: Non-contrast phase, HU.
        moving: Excretory phase, HU.
        starts: 4x4 maps to start from. The optimization starts from the one that makes the phases most alike; the shift
            between the centroids of both bodies is tried too.

    Returns:
        4x4 map of fixed points to moving points, LPS mm.

    Raises:
        RuntimeError: If ANTs finds too little overlap.
    """
    phases = (_prepare(fixed), _prepare(moving))
    initial = max((*starts, _centering(*phases)), key=lambda start: _likeness(*phases, start))
    with TemporaryDirectory(prefix="registration-") as folder, _one_thread():
        import ants

        start, result = Path(folder) / "start.mat", Path(folder) / "result"
        sitk.WriteTransform(affine_transform(initial), str(start))
        images = [_to_ants(phase.values, phase.grid) for phase in phases]
        masks = [_to_ants(phase.body, phase.grid) for phase in phases]
        ants.registration(_arguments(images, masks, start, result), None)
        return matrix_of(sitk.ReadTransform(f"{result}0GenericAffine.mat"))


@dataclass(frozen=True)
class _Phase:
    """Windowed HU and the body mask of a phase as float32 (z, y, x) on a coarse grid."""

    values: NDArray[np.float32]
    body: NDArray[np.float32]
    grid: WorkingGrid


def _prepare(image: sitk.Image) -> _Phase:
    grid = WorkingGrid.between(*extent(image), SPACING_MM)
    values = grid.sample(image)
    body = body_mask(values)
    windowed = np.where(body, np.clip(values, LOWER_HU, UPPER_HU), LOWER_HU).astype(np.float32)
    inside = ndimage.binary_dilation(body, iterations=2) & grid.inside(image)
    return _Phase(windowed, inside.astype(np.float32), grid)


def _centering(fixed: _Phase, moving: _Phase) -> FloatArray:
    centroids = [phase.grid.points()[phase.body > 0].mean(axis=0) for phase in (fixed, moving)]
    return translation(centroids[1] - centroids[0])


def _likeness(fixed: _Phase, moving: _Phase, start: FloatArray) -> float:
    """Returns the correlation of the windowed phases where the bodies overlap; -1 below a quarter of the body."""
    every_other = (slice(None, None, 2),) * 3
    body = fixed.body[every_other] > 0
    indices = moving.grid.indices(apply(start, fixed.grid.points()[every_other][body]))
    overlap = ndimage.map_coordinates(moving.body, indices, order=0, cval=0.0) > 0
    if overlap.mean() < 0.25:
        return -1.0
    values = ndimage.map_coordinates(moving.values, indices[:, overlap], order=1)
    spread = values.std() * fixed.values[every_other][body][overlap].std()
    return float(np.corrcoef(values, fixed.values[every_other][body][overlap])[0, 1]) if spread > 0 else -1.0


def _to_ants(array: NDArray[np.float32], grid: WorkingGrid) -> ANTsImage:
    import ants

    return ants.from_numpy(
        np.ascontiguousarray(array.T), origin=grid.origin, spacing=(grid.spacing,) * 3, direction=np.eye(3)
    )


def _arguments(images: list[ANTsImage], masks: list[ANTsImage], start: Path, out: Path) -> list[str]:
    """Returns the command line of antsRegistration, with images as pointers."""
    from ants.internal import get_pointer_string

    fixed, moving = (get_pointer_string(image) for image in images)
    masked = ",".join(get_pointer_string(mask) for mask in masks)
    arguments = ["--dimensionality", "3", "--float", "1", "--random-seed", _SEED, "-r", str(start)]
    for kind, rounds in (("Translation[2]", "30x10x0"), ("Rigid[0.25]", "60x30x0"), ("Affine[0.25]", "150x80x40")):
        arguments += [
            "--metric", f"mattes[{fixed},{moving},1,32,regular,0.5]",
            "--transform", kind,
            "--convergence", f"[{rounds},1e-6,8]",
            "--smoothing-sigmas", "3x2x1vox",
            "--shrink-factors", "4x2x1",
            "-x", f"[{masked}]",
        ]  # fmt: skip
    return [*arguments, "-u", "0", "-z", "1", "--output", str(out)]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keeps ANTs on one thread, because several threads add up in varying order, which changes the result.

    ITK reads the variable once, when it is first used, so ANTs is imported inside.
    """
    name = "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
