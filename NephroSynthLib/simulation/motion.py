"""Motion between the phases: breathing, organ by organ, and a small shift of the patient.

All motion is a closed-form displacement u that carries a point of the reference frame to the same tissue in a phase:
y = x + u(x). Craniocaudal excursions follow Davies et al., Br J Radiol 1994;67:1096-1102 (kidneys 11 +- 4 mm quiet,
more in deep breathing) up to the 20 mm between two breath holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.shapes import rotation_matrix, to_local


@dataclass(frozen=True)
class RigidOrgan:
    """A region that moves rigidly, fading out around it: an ellipsoid with its own shift and rotation."""

    centre: NDArray[np.float64]
    radii: NDArray[np.float64]
    axes: NDArray[np.float64]
    shift: NDArray[np.float64]
    rotation: NDArray[np.float64]
    fade: float

    def weight(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns 1 in the organ, falling smoothly to 0 at `fade` times its size."""
        u, v, w = to_local(x, y, z, self.centre, self.axes)
        level = ((u / self.radii[0]) ** 2 + (v / self.radii[1]) ** 2 + (w / self.radii[2]) ** 2).sqrt()
        t = ((self.fade - level) / (self.fade - 1.1)).clamp(0.0, 1.0)
        return t**3 * (t * (6.0 * t - 15.0) + 10.0)

    def displacement(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the (3, ...) displacement in mm of the rigid motion itself."""
        return _rigid(x, y, z, self.centre, self.rotation, self.shift)


def _rigid(
    x: Tensor,
    y: Tensor,
    z: Tensor,
    centre: NDArray[np.float64],
    rotation: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> Tensor:
    offsets = [axis - float(c) for axis, c in zip((x, y, z), centre, strict=True)]
    minus_identity = rotation - np.eye(3)
    rows = [
        sum((offsets[j] * float(minus_identity[i, j]) for j in range(3)), torch.zeros(())) + float(shift[i])
        for i in range(3)
    ]
    return torch.stack(torch.broadcast_tensors(*rows))


@dataclass(frozen=True)
class Motion:
    """Displacement of one phase against the reference, as a closed form.

    Attributes:
        organs: Liver, spleen and kidneys, the later ones taking precedence.
        centre: The point that the patient's own rotation leaves in place.
        patient_rotation, patient_shift: Motion of the whole patient.
        diaphragm_mm: Craniocaudal shift of the upper abdomen.
        wall_mm: Shift of the anterior abdominal wall, positive forwards.
        depth: Half depth of the abdominal cavity, width its half width.
        amplitude: Factor on everything, 0 for the reference phase.
    """

    organs: tuple[RigidOrgan, ...]
    centre: NDArray[np.float64]
    patient_rotation: NDArray[np.float64]
    patient_shift: NDArray[np.float64]
    diaphragm_mm: float
    wall_mm: float
    cavity: tuple[float, float]
    spine_y: float
    amplitude: float = 1.0

    def __call__(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Returns the (3, ...) displacement in LPS mm at points with these coordinates."""
        if self.amplitude == 0.0:
            return torch.zeros((3, *torch.broadcast_shapes(x.shape, y.shape, z.shape)))
        cx, cy, cz = (float(c) for c in self.centre)
        level = (((x - cx) / self.cavity[0]) ** 2 + ((y - cy) / self.cavity[1]) ** 2).sqrt()
        inside = torch.sigmoid((0.75 - level) * 10.0)
        spine = torch.exp(-(((x - cx) / 42.0) ** 2 + ((y - cy - self.spine_y - 20.0) / 45.0) ** 2).square())
        lower = torch.sigmoid((z - cz + 80.0) / 35.0)
        breathing = self.diaphragm_mm * inside * (1.0 - spine) * lower
        front = torch.sigmoid((cy - y - 0.45 * self.cavity[1]) / 14.0) * torch.exp(
            -(((x - cx) / (0.8 * self.cavity[0])) ** 2)
        )
        zero = torch.zeros_like(breathing)
        total = torch.stack([zero, zero - self.wall_mm * front * lower, breathing])
        for organ in self.organs:
            total = torch.lerp(
                total, organ.displacement(x, y, z).expand_as(total), organ.weight(x, y, z).expand_as(total[0])
            )
        patient = _rigid(x, y, z, self.centre, self.patient_rotation, self.patient_shift)
        return self.amplitude * (total + patient)


def still() -> Motion:
    """Returns the motion of the reference phase, which is none."""
    return Motion((), np.zeros(3), np.eye(3), np.zeros(3), 0.0, 0.0, (1.0, 1.0), 0.0, amplitude=0.0)


def draw_motion(rng: np.random.Generator, habitus: Habitus, origin: NDArray[np.float64]) -> Motion:
    """Draws the motion of a phase.

    Args:
        rng: Source of randomness.
        habitus: The patient.
        origin: LPS mm of the anatomy frame's origin on the reference grid.

    Returns:
        An invertible motion: its Jacobian determinant is at least 0.3 wherever it was checked.
    """
    breath = float(np.clip(rng.normal(0, 8), -18, 18))
    width, depth = habitus.cavity
    organs = [
        _organ(
            rng,
            origin + np.array([-0.55 * width, -5, 95]),
            (0.40 * width, 0.6 * depth, 75),
            np.eye(3),
            1.15 * breath,
            1.0,
            1.7,
        ),
        _organ(
            rng, origin + np.array([0.70 * width, 0.2 * depth, 85]), (32, 45, 50), np.eye(3), 1.05 * breath, 1.0, 1.8
        ),
    ]
    for kidney in habitus.kidneys:
        own = float(np.clip(0.8 * breath + rng.normal(0, 3.5), -20, 20))
        radii = np.asarray(kidney.half) * [1.1, 1.15, 1.1]
        organs.append(_organ(rng, origin + kidney.centre, radii, kidney.rotation, own, 3.0, 2.1))
    motion = Motion(
        organs=tuple(organs),
        centre=origin + np.array([0, 0, 0]),
        patient_rotation=rotation_matrix(*rng.normal(0, 0.5, 3)),
        patient_shift=rng.normal(0, 1.5, 3),
        diaphragm_mm=breath,
        wall_mm=float(-0.25 * breath + rng.normal(0, 1.5)),
        cavity=habitus.cavity,
        spine_y=habitus.spine_y,
    )
    return _made_invertible(motion, origin)


def _organ(
    rng: np.random.Generator,
    centre: NDArray[np.float64],
    radii: NDArray[np.float64] | tuple[float, float, float],
    axes: NDArray[np.float64],
    craniocaudal: float,
    angle: float,
    fade: float,
) -> RigidOrgan:
    shift = np.array([rng.normal(0, 1.2), rng.normal(0, 1.5) + 0.12 * craniocaudal, craniocaudal])
    return RigidOrgan(
        np.asarray(centre, dtype=float),
        np.asarray(radii, dtype=float),
        axes,
        shift,
        rotation_matrix(*rng.normal(0, angle, 3)),
        fade,
    )


def jacobian_determinant(displacement: Tensor, spacing: tuple[float, float, float]) -> Tensor:
    """Returns the Jacobian determinant (z, y, x) of x + u(x); u is (3, z, y, x) mm, spacing (x, y, z) mm."""
    rows = []
    for component in range(3):
        dz, dy, dx = torch.gradient(displacement[component], spacing=tuple(float(s) for s in spacing[::-1]))
        rows.append(torch.stack([dx, dy, dz], dim=-1))
    jacobian = torch.stack(rows, dim=-2) + torch.eye(3)
    return torch.linalg.det(jacobian)


def _made_invertible(motion: Motion, origin: NDArray[np.float64]) -> Motion:
    """Weakens the motion until its Jacobian determinant is at least 0.3 on a lattice of 6 mm around the kidneys."""
    x, y, z = (
        torch.arange(-reach, reach + 1, 6.0) + float(o) for reach, o in zip((186, 138, 198), origin, strict=True)
    )
    amplitude = 1.0
    while amplitude > 0.1:
        candidate = Motion(**{**motion.__dict__, "amplitude": amplitude})
        field = candidate(x[None, None, :], y[None, :, None], z[:, None, None])
        if float(jacobian_determinant(field, (6.0, 6.0, 6.0)).min()) >= 0.3:
            return candidate
        amplitude *= 0.85
    return Motion(**{**motion.__dict__, "amplitude": 0.0})


def invert(motion: Motion, x: Tensor, y: Tensor, z: Tensor, iterations: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the reference points whose tissue lies at (x, y, z) in the phase, by fixed-point iteration.

    Chen et al., Med Phys 2008;35:81-88.
    """
    px, py, pz = x, y, z
    for _ in range(iterations):
        u = motion(px, py, pz)
        px, py, pz = x - u[0], y - u[1], z - u[2]
    return px, py, pz
