"""The habitus of a real patient, measured on a label map, and the outlines that the map does not hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from NephroSynthLib.simulation.habitus import Habitus, KidneyPlan, draw_habitus
from NephroSynthLib.simulation.label_map import LabelMap, vary
from NephroSynthLib.simulation.pelvis_plan import PelvisPlan
from NephroSynthLib.simulation.silhouette import ANGLES, Silhouette, by_direction, outline

SIDE_NAMES = ("right", "left")
_LUMBAR = tuple(f"vertebrae_{name}" for name in ("T12", "L1", "L2", "L3", "L4"))
_INNER = [
    *("liver", "spleen", "stomach", "pancreas", "gallbladder", "duodenum", "small_bowel", "colon", "aorta"),
    *("inferior_vena_cava", "urinary_bladder", "prostate", "heart", "esophagus", "iliac_artery_left"),
    *("iliac_artery_right", "iliac_vena_left", "iliac_vena_right"),
    *(f"lung_{lobe}" for lobe in ("lower_lobe_left", "lower_lobe_right", "middle_lobe_right")),
    *(f"lung_upper_lobe_{side}" for side in SIDE_NAMES),
]
_KIDNEYS = [f"kidney_{part}{side}" for part in ("", "cyst_") for side in SIDE_NAMES]
_RIBS = ["costal_cartilages", "sternum", *(f"rib_{side}_{n}" for side in SIDE_NAMES for n in range(1, 13))]
_HIPS = ["sacrum"] + [
    f"{name}_{side}"
    for name in ("gluteus_maximus", "gluteus_medius", "gluteus_minimus", "hip", "femur")
    for side in SIDE_NAMES
]
_BACK = [f"{name}_{side}" for name in ("autochthon", "scapula", "clavicula") for side in SIDE_NAMES]


@dataclass(frozen=True)
class MappedPatient:
    """A real patient, varied, in the anatomy frame.

    Attributes:
        label_map: The labels.
        habitus: Size, places of the kidneys and landmarks, measured on the labels or drawn where they do not tell.
        cavity: Inner outline of the wall of abdomen and chest.
        muscle: Outline of the muscular wall and of the hips; the muscles of the back lie beyond it in places.
        body: Outline of the subcutaneous fat, under the skin.
        traced: Sides (0 right, 1 left) whose kidney keeps the shape of the map; the others get a drawn shape.
    """

    label_map: LabelMap
    habitus: Habitus
    cavity: Silhouette
    muscle: Silhouette
    body: Silhouette
    traced: frozenset[int]

    @property
    def top(self) -> float:
        """Z in mm up to which the patient may be shown; the map is continued by a centimetre above its last slice."""
        grid = self.label_map.grid
        return grid.origin[2] + grid.extent[2] + 10.0


def can_drive(source: LabelMap) -> bool:
    """Returns whether a label map shows a kidney and a lumbar vertebra, without which it cannot drive an exam."""
    kidneys = source.boxes.keys() & {"kidney_right", "kidney_left"}
    return bool(kidneys) and bool(source.boxes.keys() & set(_LUMBAR))


def map_patient(rng: np.random.Generator, source: LabelMap) -> MappedPatient:
    """Varies a real patient and measures the result.

    Args:
        rng: Source of size, mirroring, fat, muscle and all that a label map does not tell.
        source: The patient.

    Returns:
        The patient in the anatomy frame: its origin lies in the middle of the cavity at the height of the kidneys.

    Raises:
        ValueError: If the map shows no kidney or no lumbar vertebra.
    """
    varied = vary(rng, source)
    if not can_drive(varied):
        raise ValueError("a label map must show a kidney and a lumbar vertebra to drive an exam")
    kidneys, spine = varied.points("kidney_right", "kidney_left"), varied.points(*_LUMBAR)
    inner = outline(varied, _INNER).smoothed(10.0)
    level = float(kidneys[:, 2].mean())
    reach = inner.at(level)
    middle_y = (reach[len(ANGLES) // 4] - reach[3 * len(ANGLES) // 4]) / 2
    moved = varied.moved(np.array([float(spine[:, 0].mean()), middle_y, level]))
    base = draw_habitus(rng)
    fatness = float(np.clip(rng.normal(0.0, 1.0), -2.0, 2.4))
    cavity = outline(moved, _INNER).grown(float(rng.uniform(1, 3)) + by_direction(float(rng.gamma(1.5, 4)), 0, 0))
    cavity = cavity.united(outline(moved, _KIDNEYS).grown(float(rng.uniform(5, 9))))
    cavity = cavity.united(outline(moved, _RIBS).grown(-8.0)).smoothed(9.0)
    wall = np.maximum(by_direction(*base.wall), 9.0)
    muscle = cavity.grown(wall).united(outline(moved, _HIPS).grown(3.0)).smoothed(8.0)
    body = muscle.united(outline(moved, _BACK).grown(3.0)).smoothed(8.0)
    body = body.grown(_fat(rng, fatness, body))
    habitus = _measure(moved, base, cavity, muscle, body)
    traced = frozenset(side for side in (0, 1) if not _is_cut(moved, side) and rng.random() < 0.65)
    plans = [plan for side in (0, 1) if (plan := _plan(rng, moved, side, side in traced, fatness)) is not None]
    return MappedPatient(moved, replace(habitus, kidneys=plans), cavity, muscle, body, traced)


def _fat(rng: np.random.Generator, fatness: float, muscle: Silhouette) -> NDArray[np.float64]:
    """Draws the thickness of the subcutaneous fat (slices, directions) in mm."""
    side = float(np.clip(14 * np.exp(0.6 * fatness + rng.normal(0, 0.3)), 2, 50))
    thickness = by_direction(side * rng.uniform(0.7, 1.6), side, side * rng.uniform(0.7, 1.4))
    waves = ndimage.gaussian_filter(
        rng.standard_normal(muscle.reach.shape), (40.0 / muscle.step, 4.0), mode=("nearest", "wrap")
    )
    return np.asarray(thickness * np.clip(1.0 + 0.15 * waves / waves.std(), 0.4, 1.8))


def _measure(label_map: LabelMap, base: Habitus, cavity: Silhouette, muscle: Silhouette, body: Silhouette) -> Habitus:
    """Returns the habitus without kidneys: measured where the labels tell, else that of a drawn patient."""
    quarter = len(ANGLES) // 4
    inner, middle, outer = (silhouette.at(0.0) for silhouette in (cavity, muscle, body))
    width, depth = (inner[0] + inner[2 * quarter]) / 2, (inner[quarter] + inner[3 * quarter]) / 2
    canal, spine = label_map.points("spinal_cord"), label_map.points(*_LUMBAR)
    near = canal[np.abs(canal[:, 2]) < 60] if len(canal) else canal
    behind = float(near[:, 1].min()) if len(near) else float(np.median(spine[:, 1])) + 12
    bodies = spine[spine[:, 1] < behind]
    bodies = bodies if len(bodies) > 50 else spine
    spine_y = float(np.mean(np.percentile(bodies[:, 1], [1, 99])))
    half = [float(np.ptp(np.percentile(bodies[:, axis], [1, 99]))) / 2 for axis in (0, 1)]
    centres = [label_map.points(name) for name in _LUMBAR]
    heights = [float(points[:, 2].mean()) for points in centres if len(points)]
    pitch = float(np.median(np.abs(np.diff(heights)))) if len(heights) > 1 else base.pitch
    return replace(
        base,
        cavity=(float(width), float(depth)),
        power=2.3,
        wall=_thickness(inner, middle),
        fat=_thickness(middle, outer),
        spine_y=spine_y,
        vertebra=(half[0], half[1]),
        pitch=pitch,
        pelvis=_pelvis(label_map, base.pelvis, spine_y),
        weight_kg=float(np.clip(base.weight_kg * (width * depth / (142 * 92)) ** 0.5, 42, 160)),
        horseshoe=False,
        kidneys=[],
    )


def _thickness(inner: NDArray[np.float64], outer: NDArray[np.float64]) -> tuple[float, float, float]:
    """Returns the distance of two outlines at the front, at the side and at the back."""
    apart, quarter = outer - inner, len(ANGLES) // 4
    return float(apart[3 * quarter]), float(apart[0]), float(apart[quarter])


def _pelvis(label_map: LabelMap, drawn: PelvisPlan, spine_y: float) -> PelvisPlan:
    """Returns the landmarks of the pelvis, the drawn ones where the map does not reach it."""
    hips, sacrum = label_map.points("hip_left", "hip_right"), label_map.points("sacrum")
    femora = label_map.points("femur_left", "femur_right")
    plan = replace(drawn, spine_y=spine_y)
    if len(hips):
        shift = float(hips[:, 2].max()) - plan.crest
        x, y, z = plan.hip
        plan = replace(plan, crest=plan.crest + shift, promontory=plan.promontory + shift, hip=(x, y, z + shift))
    if len(sacrum):
        plan = replace(plan, promontory=min(float(sacrum[:, 2].max()), plan.crest - 5))
    if len(femora):
        heads = femora[femora[:, 2] > femora[:, 2].max() - 35]
        centre = np.abs(heads).mean(axis=0) * [1, 0, 0] + heads.mean(axis=0) * [0, 1, 1]
        plan = replace(plan, hip=(float(centre[0]), float(centre[1]), float(centre[2])))
    return replace(plan, female=bool(drawn.female and "prostate" not in label_map.boxes))


def _is_cut(label_map: LabelMap, side: int) -> bool:
    """Says whether the map ends within a kidney."""
    name = f"kidney_{SIDE_NAMES[side]}"
    if name not in label_map.boxes:
        return False
    ends = label_map.labels[[0, -1]] == label_map.classes[name]
    return bool(ends.sum() > 20)


def _plan(rng: np.random.Generator, label_map: LabelMap, side: int, traced: bool, fatness: float) -> KidneyPlan | None:
    """Returns place and size of a kidney; a drawn kidney lies where the patient's own does, with a size of its own."""
    own = label_map.points(*(f"kidney_{part}{SIDE_NAMES[side]}" for part in ("", "cyst_")))
    if len(own) < 2000:
        return None
    outward = -1.0 if side == 0 else 1.0
    centre = own.mean(axis=0)
    rotation = _frame(own - centre, outward)
    local = (own - centre) @ rotation
    low, high = np.percentile(local, 0.5, axis=0), np.percentile(local, 99.5, axis=0)
    half = (high - low) / 2 + 0.7
    centre = centre + rotation @ ((high + low) / 2)
    if not traced:
        size = float(np.exp(rng.normal(0.0, 0.08))) * np.exp(rng.normal(0.0, 0.06, 3))
        if _is_cut(label_map, side):
            centre[2] += max(0.0, 50.0 - half[2])
            half[2] = max(half[2], 50.0)
        half = half * np.clip(size, 0.8, 1.22)
        centre = centre + rng.normal(0, 2.0, 3)
    return KidneyPlan(
        side=side,
        centre=centre,
        rotation=rotation,
        half=(float(half[0]), float(half[1]), float(half[2])),
        fat_mm=float(np.clip(9 * np.exp(0.75 * fatness + rng.normal(0, 0.45)), 0.6, 20)),
        state="normal",
    )


def _frame(points: NDArray[np.float64], outward: float) -> NDArray[np.float64]:
    """Returns the axes of a kidney as columns: thickness, from the hilum to the lateral border, to the upper pole.

    The long axis is the first principal axis. The hilum lies on the concave side, in front and medially, so the
    direction to it is that of the wider of the two other principal axes which points there.
    """
    _, axes = np.linalg.eigh(np.cov(points.T))
    long = axes[:, 2] * np.sign(axes[2, 2] or 1.0)
    expected = np.array([outward * np.cos(np.radians(38)), np.sin(np.radians(38)), 0.0])
    lateral = axes[:, 1] * (np.sign(axes[:, 1] @ expected) or 1.0)
    if lateral @ expected < 0.5:
        lateral = expected - (expected @ long) * long
    lateral = lateral / np.linalg.norm(lateral)
    thickness = np.cross(lateral, long)
    thickness *= np.sign(thickness[1]) or 1.0
    return np.stack([thickness, lateral, long], axis=1)
