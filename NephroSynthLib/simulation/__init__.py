"""CT urography exams with known truth, by seed. Needs torch, numpy and scipy only; see `simulate`."""

from __future__ import annotations

from NephroSynthLib.simulation.lesions import Finding
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import Phase, SimulatedExam, simulate
from NephroSynthLib.simulation.tissues import Tissue

__all__ = ["Finding", "Grid", "Phase", "SimulatedExam", "Tissue", "simulate"]
