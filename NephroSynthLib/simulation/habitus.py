"""The patient: body size, fat and places of the kidneys. Everything else is placed relative to these.

The anatomy frame is LPS in mm: x to the patient's left, y to the back, z to the head; its origin lies on the axis of
the abdominal cavity at the mean height of the kidneys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from NephroSynthLib.simulation.pelvis_plan import PelvisPlan, draw_pelvis
from NephroSynthLib.simulation.shapes import rotation_matrix

# Kidneys without a tumour in KiTS19 (every fourth case, 53 kidneys): median and standard deviation of the logarithm of
# the thickness, width and length in mm, and their mutual correlation.
KIDNEY_AXES_MM = (49.9, 61.9, 106.6)
KIDNEY_AXES_LOG_STD = (0.14, 0.12, 0.13)
KIDNEY_AXES_CORRELATION = 0.65
# Left minus right centre in mm along x, y, z (mean, standard deviation), 53 cases.
KIDNEY_SEPARATION_MM = ((147.0, 18.0), (5.0, 15.0), (7.0, 16.0))
# Upper pole leans medially and backwards: mean and standard deviation in degrees.
KIDNEY_CORONAL_TILT = (10.0, 8.0)
KIDNEY_SAGITTAL_TILT = (22.0, 10.0)
# Chance that a patient has a horseshoe kidney, and that one without has a single or an atrophic kidney.
HORSESHOE, SINGLE, ATROPHIC = 0.025, 0.05, 0.05


@dataclass(frozen=True)
class KidneyPlan:
    """Place and size of a kidney.

    Attributes:
        side: 0 right, 1 left.
        centre: (3,) mm.
        rotation: (3, 3), columns: thickness axis, axis from the hilum to the lateral border, axis to the upper pole.
        half: Half thickness, half width, half length in mm.
        fat_mm: Typical thickness of the perirenal fat.
        state: 'normal', 'atrophic' or 'enlarged'.
    """

    side: int
    centre: NDArray[np.float64]
    rotation: NDArray[np.float64]
    half: tuple[float, float, float]
    fat_mm: float
    state: str

    @property
    def outward(self) -> float:
        """Sign of x that points away from the midline on this side."""
        return -1.0 if self.side == 0 else 1.0


@dataclass(frozen=True)
class Habitus:
    """Body of one patient, in mm unless said otherwise.

    Attributes:
        cavity: Half width and half depth of the abdominal cavity.
        power: Exponent of the superellipse of its outline.
        fat: Subcutaneous fat at the front, side and back.
        wall: Thickness of the muscular wall at the front, side and back.
        spine_y: Y of the centres of the vertebral bodies.
        vertebra: Half width and half depth of a vertebral body.
        pitch: Distance between vertebrae.
        muscularity: Scale of psoas, paraspinal and wall muscle, 1 typical.
        weight_kg: Body weight.
        pelvis: Its bones' landmarks.
        kidneys: Those present.
        horseshoe: True when the lower poles are joined.
    """

    cavity: tuple[float, float]
    power: float
    fat: tuple[float, float, float]
    wall: tuple[float, float, float]
    spine_y: float
    vertebra: tuple[float, float]
    pitch: float
    muscularity: float
    weight_kg: float
    pelvis: PelvisPlan
    horseshoe: bool
    kidneys: list[KidneyPlan] = field(default_factory=list)

    def kidney(self, side: int) -> KidneyPlan | None:
        """Returns the kidney of a side (0 right, 1 left); None if the patient has none there."""
        return next((k for k in self.kidneys if k.side == side), None)


def draw_habitus(rng: np.random.Generator) -> Habitus:
    """Draws a patient: habitus from very lean to obese, kidneys as in KiTS19 with somewhat wider tails."""
    fatness = float(np.clip(rng.normal(0.0, 1.0), -2.0, 2.4))
    size = float(np.exp(rng.normal(0.0, 0.06)))
    half_depth = float(np.clip((92 + 13 * fatness + rng.normal(0, 7)) * size, 62, 145))
    half_width = float(np.clip((142 + 11 * fatness + rng.normal(0, 7)) * size, 112, 190))
    lateral = float(np.clip(15 * np.exp(0.6 * fatness + rng.normal(0, 0.35)), 2, 60))
    muscularity = float(np.exp(rng.normal(0, 0.15)))
    horseshoe = bool(rng.random() < HORSESHOE)
    spine_y = half_depth - float(rng.uniform(34, 44)) * size
    habitus = Habitus(
        cavity=(half_width, half_depth),
        power=float(rng.uniform(2.0, 2.7)),
        fat=(lateral * float(rng.uniform(0.7, 1.6)), lateral, lateral * float(rng.uniform(0.7, 1.4))),
        wall=(9 * muscularity, 15 * muscularity, 12 * muscularity),
        spine_y=spine_y,
        vertebra=(float(rng.uniform(20, 27)) * size, float(rng.uniform(15, 19)) * size),
        pitch=float(rng.uniform(31, 40)) * size,
        muscularity=muscularity,
        weight_kg=float(np.clip(74 * size**3 * (1 + 0.24 * fatness), 42, 160)),
        pelvis=draw_pelvis(rng.spawn(1)[0], spine_y, size),
        horseshoe=horseshoe,
    )
    habitus.kidneys.extend(_draw_kidneys(rng, habitus, fatness))
    return habitus


def _draw_kidneys(rng: np.random.Generator, habitus: Habitus, fatness: float) -> list[KidneyPlan]:
    (mean_x, std_x), (mean_y, std_y), (mean_z, std_z) = KIDNEY_SEPARATION_MM
    separation = np.array(
        [rng.normal(mean_x + 5 * fatness, 0.9 * std_x), rng.normal(mean_y, std_y), rng.normal(mean_z, std_z)]
    )
    separation[0] = np.clip(separation[0], 108, min(188.0, 2 * (habitus.cavity[0] - 34)))
    shift = np.array(
        [rng.normal(0, 4), habitus.spine_y - 4 - 0.5 * max(fatness, 0) * 8 + rng.normal(0, 6), rng.normal(0, 4)]
    )
    if habitus.horseshoe:
        separation = np.array([rng.uniform(84, 105), rng.normal(0, 5), rng.normal(0, 8)])
        shift[1] -= 28
    absent = int(rng.integers(2)) if not habitus.horseshoe and rng.random() < SINGLE else None
    atrophic = int(rng.integers(2)) if absent is None and not habitus.horseshoe and rng.random() < ATROPHIC else None
    common, base_fat = rng.standard_normal(4), 9 * np.exp(0.75 * fatness + rng.normal(0, 0.45))
    plans = []
    for side in (0, 1):
        if side == absent:
            continue
        outward = -1.0 if side == 0 else 1.0
        state = (
            "atrophic" if side == atrophic else "enlarged" if absent is not None or atrophic is not None else "normal"
        )
        scale = {"atrophic": float(rng.uniform(0.5, 0.75)), "enlarged": float(rng.uniform(1.02, 1.18)), "normal": 1.0}[
            state
        ]
        half = _draw_half_axes(rng, common[0], scale)
        coronal = rng.normal(*KIDNEY_CORONAL_TILT) if not habitus.horseshoe else rng.uniform(-28, -12)
        sagittal = rng.normal(*KIDNEY_SAGITTAL_TILT)
        facing = rng.normal(38, 14) if not habitus.horseshoe else rng.normal(70, 10)
        rotation = _kidney_rotation(outward, float(coronal), float(sagittal), float(facing))
        plans.append(
            KidneyPlan(
                side=side,
                centre=_inside_cavity(shift + outward * separation / 2, rotation, half, habitus),
                rotation=rotation,
                half=half,
                fat_mm=float(np.clip(base_fat * np.exp(rng.normal(0, 0.2)), 0.6, 32)),
                state=state,
            )
        )
    return plans


def _inside_cavity(
    centre: NDArray[np.float64], rotation: NDArray[np.float64], half: tuple[float, float, float], habitus: Habitus
) -> NDArray[np.float64]:
    """Moves a kidney inwards until its surface stays inside the abdominal wall."""
    polar, around = np.meshgrid(np.linspace(0.2, np.pi - 0.2, 9), np.linspace(0, 2 * np.pi, 16, endpoint=False))
    sphere = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1).reshape(
        -1, 3
    )
    surface = (sphere * np.asarray(half)) @ rotation.T
    moved = centre.copy()
    for _ in range(6):
        points = (surface + moved)[:, :2]
        level = (np.abs(points / np.asarray(habitus.cavity)) ** habitus.power).sum(axis=1) ** (1 / habitus.power)
        worst = int(np.argmax(level))
        if level[worst] <= 0.99:
            break
        moved[:2] -= np.array([0.4, 1.3]) * points[worst] * (1 - 0.98 / level[worst])
    return moved


def _draw_half_axes(rng: np.random.Generator, shared: float, scale: float) -> tuple[float, float, float]:
    """Draws half thickness, width and length in mm; `shared` is the size that both kidneys have in common."""
    between_sides, own = rng.standard_normal(), rng.standard_normal(3)
    size = np.sqrt(0.8) * shared + np.sqrt(0.2) * between_sides
    correlated = np.sqrt(KIDNEY_AXES_CORRELATION) * size + np.sqrt(1 - KIDNEY_AXES_CORRELATION) * own
    full = np.asarray(KIDNEY_AXES_MM) * np.exp(np.asarray(KIDNEY_AXES_LOG_STD) * 0.95 * correlated) * scale
    return float(full[0] / 2), float(full[1] / 2), float(full[2] / 2)


def _kidney_rotation(outward: float, coronal: float, sagittal: float, facing: float) -> NDArray[np.float64]:
    """Returns the frame of a kidney: hilum medial and `facing` degrees forwards, upper pole medial and posterior."""
    a = np.radians(facing)
    lateral = np.array([outward * np.cos(a), np.sin(a), 0.0])
    thickness = np.array([-outward * np.sin(a), np.cos(a), 0.0])
    frame = np.stack([thickness, lateral, np.array([0.0, 0.0, 1.0])], axis=1)
    return np.asarray(rotation_matrix(-sagittal, -outward * coronal, 0.0) @ frame)
