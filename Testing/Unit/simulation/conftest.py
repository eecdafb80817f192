"""Exams that several tests look at, simulated once."""

from __future__ import annotations

import pytest

from NephroSynthLib.simulation import Grid, SimulatedExam, simulate

SMALL = Grid((44, 84, 118), (2.4, 2.4, 4.0), (-140.0, -90.0, -600.0))


@pytest.fixture(scope="session")
def small_grid() -> Grid:
    return SMALL


@pytest.fixture(scope="session")
def exams() -> list[SimulatedExam]:
    """Two exams with two kidneys and some cysts each, on a coarse grid."""
    return [simulate(seed, reference=SMALL) for seed in (900001, 900003)]
