"""An analytic phantom: two kidneys in fat, each with a rigid motion of its own, in a body with liver and spine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.ndimage as ndi
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

CENTERS = {"right": np.array([-62.0, 35.0, 0.0]), "left": np.array([60.0, 40.0, 8.0])}
RADII = {"right": np.array([27.0, 25.0, 52.0]), "left": np.array([28.0, 24.0, 50.0])}
LABELS = {"right": 1, "left": 2}


def rigid(
    center: np.ndarray, rotation_deg: tuple[float, float, float], shift: tuple[float, float, float]
) -> np.ndarray:
    """4x4 rotation about `center`, then a shift in mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", rotation_deg, degrees=True).as_matrix()
    matrix[:3, 3] = center + np.array(shift) - matrix[:3, :3] @ center
    return matrix


@dataclass
class Phantom:
    """One phase and its truth: images and the map of each structure from the fixed to this frame."""

    image: sitk.Image
    labels: sitk.Image
    maps: dict[str, np.ndarray]
    sides: tuple[str, ...]


def grid_points(image: sitk.Image) -> np.ndarray:
    """Voxel centres (z, y, x, 3) in LPS mm."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in image.GetSize()), indexing="ij"), axis=-1).transpose(
        2, 1, 0, 3
    )
    direction = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    return index @ direction.T + np.array(image.GetOrigin())


def empty_grid(
    spacing: tuple[float, float, float] = (1.6, 1.6, 3.0),
    extent_mm: tuple[float, float, float] = (300.0, 220.0, 210.0),
    oblique: np.ndarray | None = None,
) -> sitk.Image:
    """A grid centred at the origin, turned by the 3x3 matrix `oblique`."""
    size = [round(length / step) for length, step in zip(extent_mm, spacing, strict=True)]
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing(spacing)
    direction = np.eye(3) if oblique is None else oblique
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((-direction @ (np.array(spacing) * (np.array(size) - 1) / 2)).tolist())
    return image


def draw(
    grid: sitk.Image,
    maps: dict[str, np.ndarray],
    *,
    parenchyma: float,
    pelvis: float,
    sides: tuple[str, ...] = ("right", "left"),
    seed: int = 0,
) -> Phantom:
    """Draws one phase on `grid`: body, liver and spine moved by maps["body"], each kidney by its own map."""
    points = grid_points(grid)

    def normed(center: np.ndarray, radii: np.ndarray, at: np.ndarray) -> np.ndarray:
        return np.sqrt((((at - center) / radii) ** 2).sum(-1))

    def moved(name: str) -> np.ndarray:
        inverse = np.linalg.inv(maps[name])
        return points @ inverse[:3, :3].T + inverse[:3, 3]

    body = moved("body")
    axial = body * np.array([1.0, 1.0, 0.15])
    hu = np.full(points.shape[:3], -1000.0)
    hu[normed(np.zeros(3), np.array([138.0, 100.0, 1e3]), axial) < 1] = -100
    ring = normed(np.zeros(3), np.array([138.0, 100.0, 1e3]), axial)
    hu[(ring > 0.8) & (ring < 0.9)] = 55
    hu[normed(np.array([-70.0, -25.0, 60.0]), np.array([55.0, 40.0, 75.0]), body) < 1] = 60 + 0.4 * (parenchyma - 30)
    hu[normed(np.array([60.0, -40.0, 40.0]), np.array([35.0, 25.0, 40.0]), body) < 1] = 40
    hu[normed(np.array([20.0, -45.0, -50.0]), np.array([60.0, 25.0, 30.0]), body) < 1] = 20
    spine = np.hypot(body[..., 0], body[..., 1] - 62) < 18
    hu[spine] = np.where((body[..., 2] + 300) % 33 < 25, 220, 70)[spine]
    hu[np.hypot(body[..., 0] - 5, body[..., 1] - 30) < 10] = 40 + 0.8 * (parenchyma - 30)
    labels = np.zeros(points.shape[:3], dtype=np.uint8)
    for side in sides:
        at = moved(side)
        center, radii = CENTERS[side], RADII[side]
        hilum = center + np.array([-np.sign(center[0]) * 16.0, -4.0, 0.0])
        inside = normed(center, radii, at) < 1
        sinus = normed(hilum, np.array([15.0, 9.0, 22.0]), at) < 1
        bump = normed(center + radii * np.array([0.5, -0.6, 0.6]), np.full(3, 14.0), at) < 1
        hu[inside | bump] = parenchyma
        hu[sinus & inside] = -90
        hu[normed(hilum, np.array([9.0, 5.0, 14.0]), at) < 1] = pelvis
        labels[(inside | bump) & ~sinus] = LABELS[side]
    sigma = [0.8 / step for step in reversed(grid.GetSpacing())]
    hu = ndi.gaussian_filter(hu, sigma) + ndi.gaussian_filter(
        np.random.default_rng(seed).normal(0, 40, hu.shape), [0.5, 0.8, 0.8]
    )
    image = sitk.GetImageFromArray(hu.astype(np.float32))
    image.CopyInformation(grid)
    label_image = sitk.GetImageFromArray(labels)
    label_image.CopyInformation(grid)
    return Phantom(image, label_image, maps, sides)


MOTIONS = {
    "body": rigid(np.zeros(3), (0.5, -1.0, 1.0), (2.0, -3.0, 4.0)),
    "right": rigid(CENTERS["right"], (4.0, -3.0, 2.0), (2.0, -2.0, -13.0)),
    "left": rigid(CENTERS["left"], (-3.0, 2.0, -4.0), (-1.0, 3.0, 11.0)),
}
STILL = {name: np.eye(4) for name in MOTIONS}


@dataclass
class Pair:
    """A fixed and a moving phase and the truth between them."""

    fixed: Phantom
    moving: Phantom

    def kidney_points(self, side: str) -> np.ndarray:
        """Points of a kidney in the fixed phase, LPS mm."""
        labels = sitk.GetArrayFromImage(self.fixed.labels)
        return grid_points(self.fixed.image)[labels == LABELS[side]][::50]

    def tre(self, transform: sitk.Transform) -> dict[str, float]:
        """Mean distance in mm between transform and truth over each kidney."""
        errors = {}
        for side in self.moving.sides:
            points = self.kidney_points(side)
            found = np.array([transform.TransformPoint(point.tolist()) for point in points])
            truth = points @ self.moving.maps[side][:3, :3].T + self.moving.maps[side][:3, 3]
            errors[side] = float(np.linalg.norm(found - truth, axis=1).mean())
        return errors


def draw_pair(
    *,
    pelvis: float = 700.0,
    sides: tuple[str, ...] = ("right", "left"),
    oblique: np.ndarray | None = None,
    motions: dict[str, np.ndarray] = MOTIONS,
) -> Pair:
    """A non-contrast and an excretory phase on different grids."""
    fixed = draw(empty_grid((2.4, 2.4, 3.0)), STILL, parenchyma=32, pelvis=5, sides=sides, seed=1)
    moving_grid = empty_grid((2.2, 2.2, 2.5), (290.0, 215.0, 225.0), oblique)
    return Pair(fixed, draw(moving_grid, motions, parenchyma=110, pelvis=pelvis, sides=sides, seed=2))


@pytest.fixture(scope="session", name="draw_pair")
def _draw_pair() -> Callable[..., Pair]:
    return draw_pair


@pytest.fixture(scope="session")
def pair() -> Pair:
    """Two phases whose body and kidneys each moved on their own."""
    return draw_pair()
