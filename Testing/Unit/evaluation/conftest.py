"""An anisotropic phantom with two kidneys in three phases, drawn here so that judging is tested on its own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

SHAPE = (40, 96, 120)
SPACING = (2.0, 2.0, 4.0)
ORIGIN = (-120.0, -90.0, -80.0)


def image(array: np.ndarray, direction: tuple[float, ...] | None = None) -> sitk.Image:
    result = sitk.GetImageFromArray(array)
    result.SetSpacing(SPACING)
    result.SetOrigin(ORIGIN)
    if direction is not None:
        result.SetDirection(direction)
    return result


def points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """LPS coordinates in mm of the phantom's voxels, broadcastable."""
    z, y, x = (
        origin + step * np.arange(count) for origin, step, count in zip(ORIGIN[::-1], SPACING[::-1], SHAPE, strict=True)
    )
    return np.ix_(z, y, x)


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    """Mask of an ellipsoid; centre and radii in mm, (x, y, z)."""
    z, y, x = points()
    cx, cy, cz = centre
    rx, ry, rz = radii
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1


def draw(kidneys: np.ndarray, kidney_hu: float, pelvis_hu: float, vessel_hu: float, seed: int) -> sitk.Image:
    body = ellipsoid((0, 0, 0), (112, 80, 1e4))
    muscle = ellipsoid((0, 0, 0), (100, 68, 1e4))
    hu = np.where(body, np.where(muscle, 45.0, -100.0), -1000.0)
    hu[ellipsoid((0, 45, 0), (20, 18, 1e4))] = 400.0
    hu[ellipsoid((-10, 15, 0), (9, 9, 1e4))] = vessel_hu
    hu[kidneys > 0] = kidney_hu
    for side in (-1, 1):
        hu[ellipsoid((side * 48, 22, 0), (7, 9, 14))] = pelvis_hu
    noise = np.random.default_rng(seed).normal(0, 9, SHAPE)
    return image((hu + noise * (hu > -900)).astype(np.float32))


@pytest.fixture(scope="session")
def phantom() -> SimpleNamespace:
    """Phases in HU and kidney labels on one grid; the right kidney lies at smaller x, as LPS has it."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[ellipsoid((-55, 22, 0), (25, 22, 48))] = 1
    labels[ellipsoid((55, 20, 8), (24, 22, 50))] = 2
    return SimpleNamespace(
        noncontrast=draw(labels, 32, 8, 40, 1),
        excretory=draw(labels, 110, 900, 120, 2),
        nephrographic=draw(labels, 170, 60, 150, 3),
        kidneys=image(labels),
    )
