"""Place and width of the pelvis, from which bones, muscles, vessels and pelvic organs are placed.

Distances between the landmarks follow the pelvimetry of adults on CT, with 6 % between patients: hip centres about
175 mm apart and 140 mm below the crests, crests about 280 mm apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from NephroSynthLib.simulation.shapes import ellipse_cylinder

Profile = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class PelvisPlan:
    """The pelvis of one patient, in the anatomy frame (mm).

    Attributes:
        female: Wider and lower pelvis with a uterus, else with a prostate.
        size: Scale of all its distances, 1 typical.
        spine_y: Y of the centres of the vertebral bodies.
        crest: Z of the top of the iliac crests.
        promontory: Z of the upper end plate of the sacrum.
        hip: |x|, y and z of the centres of the femoral heads.
        head_mm: Radius of the femoral heads.
        lordosis: How far the lumbar spine bends forwards.
    """

    female: bool
    size: float
    spine_y: float
    crest: float
    promontory: float
    hip: tuple[float, float, float]
    head_mm: float
    lordosis: float

    @property
    def floor(self) -> float:
        """Z of the pelvic floor."""
        return self.hip[2] - 46.0 * self.size

    def spine_centre(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns y of the centres of the vertebral bodies at heights z."""
        return self.spine_y - self.lordosis * np.exp(-(((z + 90) / 80) ** 2))

    def sacrum(self) -> NDArray[np.float64]:
        """Returns (6, 3) points down the middle of the sacrum and coccyx: backwards, then forwards again."""
        start = float(self.spine_centre(np.array(self.promontory)))
        steps = np.array([[0, 0, 2], [0, 18, -20], [0, 38, -48], [0, 50, -76], [0, 48, -104], [0, 32, -130]])
        return np.array([0.0, start, self.promontory]) + self.size * steps

    def half_width(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the half width of the cavity between iliacus, psoas and obturator muscles at heights z."""
        below = np.array([-60, 0, 40, 85, 140, 190]) * self.size
        return np.interp(-z, below - self.crest, np.array([400, 126, 102, 74, 62, 40]) * self.size)

    def front(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns y of the cavity's front, which ends behind the pubis, at heights z."""
        hip_y, hip_z = self.hip[1], self.hip[2]
        return np.interp(z, [hip_z - 25, hip_z + 15, self.crest - 40, self.crest], [hip_y - 34, hip_y - 52, -130, -300])

    def back(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns y of the cavity's back, the front of the sacrum, at heights z."""
        course = self.sacrum()[::-1]
        inside = np.interp(z, course[:, 2], course[:, 1]) - 14.0
        return np.where(
            z > self.promontory, np.interp(z, [self.promontory, self.crest + 20], [inside.min(), 300]), inside
        )

    def cavity_distance(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the signed distance in mm to the inner wall of the pelvis; strongly negative above the crests."""
        heights = z.flatten().double().numpy()

        def at_height(values: NDArray[np.float64]) -> Tensor:
            return from_numpy(values.astype(np.float32)).reshape(z.shape)

        front, back = self.front(heights), self.back(heights)
        middle, half = at_height((front + back) / 2), at_height(np.maximum((back - front) / 2, 12.0))
        across = ellipse_cylinder(x, y, (0.0, middle), (at_height(self.half_width(heights)), half), 2.4)
        return across.maximum(self.floor - z)


def draw_pelvis(rng: np.random.Generator, spine_y: float, body_size: float) -> PelvisPlan:
    """Draws the pelvis of a patient whose body is `body_size` times the typical one."""
    size = body_size * float(np.exp(rng.normal(0, 0.04)))
    female = bool(rng.random() < 0.5)
    crest = -float(rng.uniform(80, 125))
    hip = (
        (90.0 if female else 86.0) * size + float(rng.normal(0, 2)),
        spine_y - float(rng.uniform(20, 48)) * size,
        crest - float(rng.uniform(125, 145)) * size,
    )
    return PelvisPlan(
        female=female,
        size=size,
        spine_y=spine_y,
        crest=crest,
        promontory=crest - float(rng.uniform(32, 55)) * size,
        hip=hip,
        head_mm=(22.0 if female else 25.0) * size,
        lordosis=float(rng.uniform(0, 14)),
    )
