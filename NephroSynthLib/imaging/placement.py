"""The placement of one phase against another: turned, mirrored, or in a frame of reference far away.

Both phases become coarse volumes of windowed HU in the body. Each candidate orientation is compared at all shifts at
once by masked normalized cross-correlation: Padfield, "Masked Object Registration in the Fourier Domain", IEEE TIP 21
(2012), equations 9 to 12.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import fft, ndimage

from NephroSynthLib.imaging.body_mask import body_mask
from NephroSynthLib.imaging.grids import AIR_HU, index_to_world
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU

ALIKE = 0.6
"""The least correlation of two phases that show the same part of one body."""

_CLEARLY = 0.12
_SURELY_ALIKE = 0.7
_STEP_MM, _POOLED = 10.0, 2
_FINE_ROLL_DEG = 15
_LEAST_OVERLAP = 0.4
_LEAST_VARIANCE = 1e-3

Matrix = NDArray[np.float64]
Volume = NDArray[np.float32]


@dataclass(frozen=True)
class Turn:
    """The orientation of a phase against another one.

    Attributes:
        roll_deg: Roll about the long axis of the body in degrees, from -180 to 180.
        mirrored: Whether left and right are exchanged before the roll.
        upside_down: Whether head and feet are exchanged.
    """

    roll_deg: int = 0
    mirrored: bool = False
    upside_down: bool = False

    @property
    def matrix(self) -> Matrix:
        """The orthogonal 3x3 matrix, LPS."""
        cosine, sine = np.cos(np.radians(self.roll_deg)), np.sin(np.radians(self.roll_deg))
        roll = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(roll @ np.diag([-1.0 if self.mirrored else 1.0, 1.0, -1.0 if self.upside_down else 1.0]))

    @property
    def is_reflection(self) -> bool:
        """Whether no rotation undoes it."""
        return self.mirrored != self.upside_down

    @property
    def words(self) -> str:
        """The orientation in words, such as 'left and right are exchanged'; empty if nothing is turned."""
        exchanged = []
        if self.mirrored:
            exchanged.append("front and back" if abs(self.roll_deg) == 180 else "left and right")
        if self.upside_down:
            exchanged.append("head and feet")
        parts = [f"{' as well as '.join(exchanged)} are exchanged"] if exchanged else []
        if self.roll_deg and not (self.mirrored and abs(self.roll_deg) == 180):
            parts.append(f"the body is rolled by about {abs(self.roll_deg)} degrees about its long axis")
        return ", and ".join(parts)


@dataclass(frozen=True)
class Placement:
    """How the moving phase lies against the fixed one.

    Attributes:
        turn: Its orientation.
        matrix: 4x4 orthogonal map of fixed points to moving points, LPS mm, to about a centimetre.
        likeness: Correlation of both phases in this placement, in [-1, 1].
    """

    turn: Turn
    matrix: Matrix
    likeness: float


_EXCHANGES = tuple(product((False, True), (False, True)))
_FLIPS = [Turn(roll, *exchanged) for roll in (0, 180) for exchanged in _EXCHANGES]
_ROLLS_DEG = tuple(roll for roll in range(-150, 180, 30) if roll)


def find_placement(fixed: sitk.Image, moving: sitk.Image) -> Placement:
    """Finds how the moving phase lies, at any shift.

    It counts as turned or mirrored only if that makes the phases clearly more alike. Rolls are tried only if no
    exchange of ends makes the phases surely alike, and rolls of an exchanged body only if no roll alone does.

    Args:
        fixed: CT in HU.
        moving: CT in HU of the same patient, on any grid.
    """
    search = _Search(fixed, moving)
    as_it_is = search.placement(Turn())
    best = search.best(_FLIPS)
    for exchanged in _EXCHANGES:
        if best.likeness < _SURELY_ALIKE:
            best = max(best, search.best_roll(*exchanged), key=_likeness)
    return best if best.likeness > max(as_it_is.likeness + _CLEARLY, ALIKE) else as_it_is


def placed(image: sitk.Image, matrix: Matrix) -> sitk.Image:
    """Returns an image whose points are moved by the inverse of an orthogonal 4x4 map, without interpolation."""
    moved = sitk.Image(image)
    back = matrix[:3, :3].T
    moved.SetDirection((back @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    moved.SetOrigin((back @ (np.asarray(image.GetOrigin()) - matrix[:3, 3])).tolist())
    return sitk.DICOMOrient(moved, "LPS")


def _likeness(placement: Placement) -> float:
    return placement.likeness


@dataclass(frozen=True)
class _Coarse:
    """Windowed HU and the body on a grid along the LPS axes, both (z, y, x), and the first voxel in LPS mm."""

    hu: Volume
    body: NDArray[np.bool_]
    origin: NDArray[np.float64]

    @classmethod
    def of(cls, image: sitk.Image) -> _Coarse:
        fine_mm = _STEP_MM / _POOLED
        corners = np.array(list(product(*((0.0, size - 1.0) for size in image.GetSize()))))
        to_world = index_to_world(image)
        points = corners @ to_world[:3, :3].T + to_world[:3, 3]
        lower, upper = points.min(axis=0), points.max(axis=0)
        size = (np.maximum(np.ceil((upper - lower) / _STEP_MM).astype(int), 1) * _POOLED).tolist()
        factors = [
            min(max(1, int(fine_mm / step)), n) for step, n in zip(image.GetSpacing(), image.GetSize(), strict=True)
        ]
        averaged = sitk.BinShrink(sitk.Cast(image, sitk.sitkFloat32), factors)
        grid = sitk.Image(size, sitk.sitkUInt8)
        grid.SetSpacing((fine_mm,) * 3)
        grid.SetOrigin(lower.tolist())
        values = sitk.GetArrayFromImage(
            sitk.Resample(averaged, grid, sitk.Transform(), sitk.sitkLinear, AIR_HU, sitk.sitkFloat32, True)
        )
        body = body_mask(values)
        windowed = np.where(body, np.clip(values, LOWER_HU, UPPER_HU), LOWER_HU)
        return cls(_pooled(windowed), _pooled(body) > 0.5, lower + (_STEP_MM - fine_mm) / 2)

    @property
    def centre(self) -> NDArray[np.float64]:
        """The middle of the grid, LPS mm."""
        return np.asarray(self.origin + _STEP_MM * (np.array(self.hu.shape[::-1]) - 1) / 2)

    def turned(self, turn: Matrix) -> _Coarse:
        """Returns the volume that shows, at a point p, the tissue at `turn` (p - centre) + centre."""
        in_array = turn[::-1, ::-1]
        reach = np.ceil(np.abs(in_array.T) @ np.array(self.hu.shape) - 1e-6).astype(int)
        offset = (np.array(self.hu.shape) - 1) / 2 - in_array @ ((reach - 1) / 2)
        hu, body = (
            ndimage.affine_transform(array, in_array, offset, tuple(reach), order=1, cval=outside)
            for array, outside in ((self.hu, LOWER_HU), (self.body.astype(np.float32), 0.0))
        )
        return _Coarse(hu, body > 0.5, self.centre - _STEP_MM * (reach[::-1] - 1) / 2)


def _pooled(array: NDArray[np.generic]) -> Volume:
    z, y, x = (size // _POOLED for size in array.shape)
    blocks = array.reshape(z, _POOLED, y, _POOLED, x, _POOLED)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float32)


class _Search:
    """Compares orientations of a moving phase with a fixed phase."""

    def __init__(self, fixed: sitk.Image, moving: sitk.Image) -> None:
        self._fixed, self._moving = _Coarse.of(fixed), _Coarse.of(moving)
        inside = self._fixed.hu[self._fixed.body]
        self._middle = float(inside.mean()) if inside.size else 0.0
        self._spectra_of_fixed: dict[tuple[int, ...], list[NDArray[np.complex64]]] = {}

    def best(self, turns: Iterable[Turn]) -> Placement:
        """Returns the likest placement in one of the orientations."""
        return max((self.placement(turn) for turn in turns), key=_likeness)

    def best_roll(self, mirrored: bool, upside_down: bool) -> Placement:
        """Returns the likest placement among rolls in steps of 30 degrees, and of 15 degrees around the best."""
        best = self.best(Turn(roll, mirrored, upside_down) for roll in _ROLLS_DEG)
        beside = (best.turn.roll_deg + step for step in (-_FINE_ROLL_DEG, _FINE_ROLL_DEG))
        return max(best, self.best(Turn(roll, mirrored, upside_down) for roll in beside), key=_likeness)

    def placement(self, turn: Turn) -> Placement:
        """Returns the likest placement in an orientation."""
        matrix, moving = turn.matrix, self._moving.turned(turn.matrix)
        correlation = self._correlation(moving)
        place = np.unravel_index(int(correlation.argmax()), correlation.shape)
        steps = np.array(place) - (np.array(moving.hu.shape) - 1)
        # The fixed voxel i lies on the moving voxel i - steps.
        shift = moving.origin - self._fixed.origin - _STEP_MM * steps[::-1]
        whole = np.eye(4)
        whole[:3, :3] = matrix
        whole[:3, 3] = self._moving.centre + matrix @ (shift - self._moving.centre)
        return Placement(turn, whole, float(correlation[place]))

    def _correlation(self, moving: _Coarse) -> Volume:
        """Returns the correlation in the overlap of both bodies at each shift; -1 where they overlap too little."""
        shapes = zip(self._fixed.hu.shape, moving.hu.shape, strict=True)
        whole = [first + second - 1 for first, second in shapes]
        size = tuple(fft.next_fast_len(length, real=True) for length in whole)
        if size not in self._spectra_of_fixed:
            self._spectra_of_fixed[size] = self._spectra(self._fixed, size)
        first, second = self._spectra_of_fixed[size], self._spectra(_reversed(moving), size)

        def overlap(a: int, b: int) -> NDArray[np.float32]:
            return np.asarray(fft.irfftn(first[a] * second[b], size)[tuple(slice(length) for length in whole)])

        count = overlap(0, 0)
        voxels = np.maximum(count, 1.0)
        sums = overlap(1, 0), overlap(0, 1)
        covariance = overlap(1, 1) - sums[0] * sums[1] / voxels
        variances = [
            np.maximum(squares - one**2 / voxels, 0.0)
            for squares, one in zip((overlap(2, 0), overlap(0, 2)), sums, strict=True)
        ]
        product_ = variances[0] * variances[1]
        correlation = covariance / np.sqrt(np.maximum(product_, max(_LEAST_VARIANCE * product_.max(), 1e-6)))
        least = _LEAST_OVERLAP * min(self._fixed.body.sum(), moving.body.sum())
        correlation[count < max(least, 1.0)] = -1.0
        return np.asarray(correlation, dtype=np.float32)

    def _spectra(self, coarse: _Coarse, size: tuple[int, ...]) -> list[NDArray[np.complex64]]:
        """Returns the spectra of the body, of its HU and of their squares."""
        body = coarse.body.astype(np.float32)
        hu = (coarse.hu - self._middle) * body
        return [fft.rfftn(array, size) for array in (body, hu, hu * hu)]


def _reversed(coarse: _Coarse) -> _Coarse:
    return _Coarse(coarse.hu[::-1, ::-1, ::-1], coarse.body[::-1, ::-1, ::-1], coarse.origin)
