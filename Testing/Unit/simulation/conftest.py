"""Painted patients and simulated exams that several tests look at, each made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from grid_indices import to_indices
from numpy.typing import NDArray

from NephroSynthLib.simulation import Finding, Grid, SimulatedExam, Tissue, simulate
from NephroSynthLib.simulation.anatomy import paint_anatomy
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus, draw_habitus
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.lesions import Pathology
from NephroSynthLib.simulation.mapped_anatomy import paint_mapped_anatomy
from NephroSynthLib.simulation.mapped_patient import MappedPatient, map_patient
from NephroSynthLib.simulation.tissues import TISSUE_COUNT

SMALL = Grid((44, 84, 118), (2.4, 2.4, 4.0), (-140.0, -90.0, -600.0))
HEALTHY = Pathology(dilation=1.0, cysts=False, mass=False, stones=False)
ILL = Pathology(dilation=3.0, cysts=True, mass=True, stones=True)


@dataclass(frozen=True)
class Patient:
    """A painted patient in the anatomy frame, with the head at the end of z."""

    seed: int
    habitus: Habitus
    canvas: Canvas
    findings: list[Finding]

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        return self.canvas.labels.numpy()

    @cached_property
    def points(self) -> tuple[NDArray[np.float64], ...]:
        """Coordinates x, y and z in mm, broadcastable to the labels."""
        z, y, x = self.canvas.grid.axes()
        return x[None, None, :], y[None, :, None], z[:, None, None]

    def mask(self, *tissues: Tissue) -> NDArray[np.bool_]:
        return np.isin(self.labels, [int(tissue) for tissue in tissues])

    def ml(self, *tissues: Tissue) -> float:
        return float(self.mask(*tissues).sum() * np.prod(self.canvas.grid.spacing) / 1000)

    def centre(self, *tissues: Tissue) -> NDArray[np.float64]:
        """Centre of mass (x, y, z) in mm."""
        return self.canvas.grid.to_points(np.argwhere(self.mask(*tissues))).mean(axis=0)

    def at(self, point: NDArray[np.float64] | tuple[float, ...]) -> Tissue:
        """The tissue at a point (x, y, z) in mm."""
        index = np.round(to_indices(self.canvas.grid, np.asarray(point, dtype=float))).astype(int)
        return Tissue(int(self.labels[tuple(index)]))


def plain_attenuation() -> torch.Tensor:
    """(tissue, 3) HU that differ between all tissues and phases."""
    return torch.arange(TISSUE_COUNT, dtype=torch.float32)[:, None] * 10 + torch.arange(3)[None, :] * 1000


def paint(seed: int, pathology: Pathology) -> Patient:
    habitus = draw_habitus(np.random.default_rng(seed))
    grid = Grid((110, 96, 112), (4.0, 4.0, 5.0), (-222.0, -190.0, -330.0))
    seeds, both = np.random.SeedSequence(seed), {0: pathology, 1: pathology}
    anatomy = paint_anatomy(seeds, habitus, plain_attenuation(), grid, both)
    return Patient(seed, habitus, anatomy.canvas, anatomy.findings)


@pytest.fixture(scope="session")
def patients() -> list[Patient]:
    """A healthy woman and a healthy man, from the lung bases to the upper thighs."""
    sexes: dict[bool, int] = {}
    for seed in range(20):
        habitus = draw_habitus(np.random.default_rng(seed))
        if len(habitus.kidneys) == 2 and not habitus.horseshoe:
            sexes.setdefault(habitus.pelvis.female, seed)
    return [paint(sexes[female], HEALTHY) for female in (True, False)]


@pytest.fixture(scope="session")
def ill_patient(patients: list[Patient]) -> Patient:
    """The first patient again, with every pathology in both kidneys."""
    return paint(patients[0].seed, ILL)


@pytest.fixture(scope="session")
def blank() -> Callable[[Grid], Canvas]:
    """Makes an empty canvas whose tissues all differ in HU."""
    return lambda grid: Canvas(grid, plain_attenuation())


@pytest.fixture(scope="session")
def habitus() -> Habitus:
    """A patient with two kidneys and the typical size."""
    return draw_habitus(np.random.default_rng(0))


def _toy_label_map() -> LabelMap:
    """A made-up patient of ellipsoids and columns with TotalSegmentator's class names, 3 mm voxels."""
    grid = Grid((86, 68, 108), (3.0, 3.0, 3.0), (-160.0, -100.0, -700.0))
    z, y, x = grid.axes()
    z, y, x = z[:, None, None] + 560.0, y[None, :, None], x[None, None, :]
    labels, classes = np.zeros(grid.shape, np.uint8), {}

    def fill(name: str, inside: NDArray[np.bool_]) -> None:
        classes[name] = len(classes) + 1
        labels[np.broadcast_to(inside, labels.shape)] = classes[name]

    def ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        parts = (((c - m) / r) ** 2 for c, m, r in zip((x, y, z), centre, radii, strict=True))
        return np.asarray(sum(parts) < 1)

    fill("liver", ball((-85, -25, 60), (60, 60, 70)))
    fill("spleen", ball((105, 20, 55), (28, 40, 45)))
    fill("stomach", ball((45, -45, 70), (40, 30, 40)))
    fill("small_bowel", ball((10, -50, -60), (80, 28, 50)))
    fill("colon", ball((115, -20, -40), (18, 20, 70)))
    fill("urinary_bladder", ball((0, -30, -125), (30, 25, 20)))
    for side, sign in (("right", -1), ("left", 1)):
        fill(f"autochthon_{side}", ((x - sign * 30) / 25) ** 2 + ((y - 80) / 14) ** 2 + 0 * z < 1)
        fill(f"kidney_{side}", ball((sign * 70, 30, 0), (24, 30, 52)) & ~ball((sign * 45, 12, 0), (20, 22, 18)))
        fill(f"rib_{side}_11", ball((sign * 120, 40, 40), (8, 12, 6)))
    for number, name in enumerate(("T12", "L1", "L2", "L3", "L4", "L5")):
        body = (x / 22) ** 2 + ((y - 35) / 17) ** 2 + 0 * z < 1
        fill(f"vertebrae_{name}", body & (np.abs(z - 70 + 36 * number) < 14))
    fill("spinal_cord", (x / 9) ** 2 + ((y - 58) / 8) ** 2 + 0 * z < 1)
    fill("aorta", ((x - 8) / 10) ** 2 + ((y - 8) / 10) ** 2 + 0 * z < 1)
    fill("inferior_vena_cava", ((x + 16) / 12) ** 2 + ((y - 8) / 9) ** 2 + 0 * z < 1)
    fill("portal_vein_and_splenic_vein", ball((-20, -10, 40), (30, 7, 7)))
    return LabelMap(labels, classes, grid)


@pytest.fixture(scope="session")
def toy_label_map() -> LabelMap:
    return _toy_label_map()


@pytest.fixture(scope="session")
def mapped_patient(toy_label_map: LabelMap) -> MappedPatient:
    """The made-up patient, varied; both kidneys keep the shape of the map, right and left as in the map."""
    for seed in range(50):
        patient = map_patient(np.random.default_rng(seed), toy_label_map)
        if patient.traced == {0, 1} and patient.label_map.classes == toy_label_map.classes:
            return patient
    raise AssertionError("no seed keeps both kidneys")


@pytest.fixture(scope="session")
def mapped_canvas(mapped_patient: MappedPatient) -> Canvas:
    """The made-up patient, painted healthy."""
    grid = Grid((88, 72, 104), (3.4, 3.4, 3.0), (-180.0, -122.0, -140.0))
    healthy = dict.fromkeys((0, 1), HEALTHY)
    return paint_mapped_anatomy(np.random.SeedSequence(1), mapped_patient, plain_attenuation(), grid, healthy).canvas


@pytest.fixture(scope="session")
def small_grid() -> Grid:
    return SMALL


@pytest.fixture(scope="session")
def exams() -> list[SimulatedExam]:
    """Two exams with two kidneys and some cysts each, on a coarse grid."""
    return [simulate(seed, reference=SMALL) for seed in (900001, 900003)]
