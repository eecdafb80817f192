"""Painted patients and simulated exams that several tests look at, each made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from NephroSynthLib.simulation import Finding, Grid, SimulatedExam, Tissue, simulate
from NephroSynthLib.simulation.anatomy import paint_anatomy
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus, draw_habitus
from NephroSynthLib.simulation.lesions import Pathology
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
        index = np.round(self.canvas.grid.to_indices(np.asarray(point, dtype=float))).astype(int)
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


@pytest.fixture
def blank() -> Callable[[Grid], Canvas]:
    """Makes an empty canvas whose tissues all differ in HU."""
    return lambda grid: Canvas(grid, plain_attenuation())


@pytest.fixture(scope="session")
def habitus() -> Habitus:
    """A patient with two kidneys and the typical size."""
    return draw_habitus(np.random.default_rng(0))


@pytest.fixture(scope="session")
def small_grid() -> Grid:
    return SMALL


@pytest.fixture(scope="session")
def exams() -> list[SimulatedExam]:
    """Two exams with two kidneys and some cysts each, on a coarse grid."""
    return [simulate(seed, reference=SMALL) for seed in (900001, 900003)]
