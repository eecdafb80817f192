"""The voxels of one volume on the grid of another one, a part at a time, so that no whole copy is made."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.mrml.images import Matrix, first_voxel_to_ras, voxels

NOWHERE = -32000.0
"""Values below this one stand where the volume has no voxels."""

_LATTICE = 17
Box = tuple[slice, slice, slice]
"""Voxels in z, y, x. Each slice has a start and an end."""


class OnGrid:
    """The voxels of a volume on a grid: views if the volume lies on that grid, else linear interpolation.

    Args:
        volume: The voxels and the matrix (4, 4) from their indices to RAS mm.
        grid: The same of the volume that gives the grid.

    Attributes:
        exact: Whether the volume lies on that grid, so that each voxel has a value.
    """

    def __init__(self, volume: tuple[vtk.vtkImageData, Matrix], grid: tuple[vtk.vtkImageData, Matrix]) -> None:
        self._values = voxels(volume[0])
        self._shape = voxels(grid[0]).shape
        here, there = first_voxel_to_ras(*volume), first_voxel_to_ras(*grid)
        self.exact = self._values.shape == self._shape and np.allclose(here, there, atol=1e-4)
        self._to_volume = np.linalg.inv(here) @ there  # indices x, y, z of the grid to those of the volume

    @property
    def overlaps(self) -> bool:
        """Whether the volume and the grid share a place."""
        back: Matrix = np.asarray(np.linalg.inv(self._to_volume), dtype=np.float64)
        return (
            self.exact
            or _some_inside(self._shape, self._to_volume, self._values.shape)
            or _some_inside(self._values.shape, back, self._shape)
        )

    def __getitem__(self, box: Box) -> NDArray[Any]:
        """The voxels in a box of the grid. Without exact voxels they are float32."""
        if self.exact:
            return self._values[box]
        start = np.array([part.start for part in box])
        matrix = self._to_volume[:3, :3][::-1, ::-1]
        parallel = np.allclose(matrix, np.diag(np.diag(matrix)), atol=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # scipy says that it handles parallel axes otherwise since 2016
            values: NDArray[np.float32] = ndimage.affine_transform(
                self._values,
                np.diag(matrix) if parallel else matrix,  # scipy is faster where the axes are parallel
                matrix @ start + self._to_volume[:3, 3][::-1],
                tuple(part.stop - part.start for part in box),
                np.float32,
                order=1,
                cval=2 * NOWHERE,
            )
        return values


def _some_inside(shape: tuple[int, ...], matrix: Matrix, other: tuple[int, ...]) -> bool:
    """Whether a point of a lattice over one grid (z, y, x) lies in another grid."""
    axes = [np.linspace(0, size - 1, _LATTICE) for size in reversed(shape)]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    last = np.array(other[::-1]) - 0.5
    return bool(((points > -0.5) & (points < last)).all(axis=1).any())
