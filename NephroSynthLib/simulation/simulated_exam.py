"""A CT urography exam with known truth, from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics
from NephroSynthLib.kinetics.priors import draw_parameters
from NephroSynthLib.simulation.acquisition import Protocol, acquire, draw_protocol
from NephroSynthLib.simulation.anatomy import paint_anatomy
from NephroSynthLib.simulation.attenuation import (
    CORTICOMEDULLARY,
    CORTICOMEDULLARY_AFTER_ARRIVAL_S,
    PHASES,
    draw_attenuation,
)
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.field_of_view import canvas_grid, draw_grid, similar_grid
from NephroSynthLib.simulation.habitus import Habitus, draw_habitus
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.lesions import Finding, draw_pathology
from NephroSynthLib.simulation.mapped_anatomy import paint_mapped_anatomy
from NephroSynthLib.simulation.mapped_patient import map_patient
from NephroSynthLib.simulation.motion import Motion, draw_motion, invert, still
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.smooth_map import SmoothMap, pull, slice_profile, tabulate, torch_axes
from NephroSynthLib.simulation.warp import Warp, draw_warp

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Phase:
    """One acquired phase.

    Attributes:
        grid: Its voxels.
        hu: (z, y, x) float32 HU as acquired: noise, kernel, slice thickness.
        displacement: (3, z, y, x) float32 LPS mm (x, y, z) on the REFERENCE grid: carries a reference point to the same
            tissue in this phase, so registered(x) = hu(x + displacement(x)), as ITK resamples. Zero if non-contrast.
        labels: (z, y, x) uint8 `Tissue` values on this phase's own grid.
        kidneys: (z, y, x) uint8 on this phase's own grid, 1 right, 2 left.
    """

    grid: Grid
    hu: Array
    displacement: Array
    labels: Labels
    kidneys: Labels


@dataclass(frozen=True)
class SimulatedExam:
    """A simulated exam and its truth.

    Attributes:
        seed: The seed that it was made from.
        phases: 'noncontrast', 'nephrographic', 'excretory', and 'corticomedullary' where it was asked for.
        labels: (z, y, x) uint8 `Tissue` values on the reference grid, that of the non-contrast phase.
        kidneys: (z, y, x) uint8 on the reference grid, 1 right, 2 left: parenchyma with its calyces, and all lesions;
            without sinus fat, renal pelvis and hilar vessels.
        nephrographic_truth: (z, y, x) float32 noise-free nephrographic HU on the reference grid and geometry.
        kinetics: Contrast kinetics.
        findings: The pathology that was placed.
    """

    seed: int
    phases: dict[str, Phase]
    labels: Labels
    kidneys: Labels
    nephrographic_truth: Array
    kinetics: ExamKinetics
    findings: list[Finding]

    @property
    def reference(self) -> Grid:
        """The non-contrast phase's grid."""
        return self.phases["noncontrast"].grid


def simulate(
    seed: int, *, reference: Grid | None = None, anatomy: LabelMap | None = None, corticomedullary: bool = False
) -> SimulatedExam:
    """Simulates a CT urography exam.

    Args:
        seed: The same seed gives the same arrays. Training uses 0 to 99999, held-out evaluation 900000 and above.
        reference: Grid of the non-contrast phase; drawn when None. The other phases get grids of their own about it.
        anatomy: Label map of a real patient, which the seed varies; a patient is drawn when None.
        corticomedullary: Whether the exam has a corticomedullary phase besides. The patient is the same, but voxels and
            texture of the other phases may differ.

    Returns:
        The exam with its truth.

    Raises:
        ValueError: If the seed is negative, or the label map shows no kidney or no lumbar vertebra.

    Example:
        exam = simulate(900_001)
        exam.phases["excretory"].hu.shape  # (z, y, x)
        exam.kidneys.max()  # 2, the left kidney
    """
    if seed < 0:
        raise ValueError(f"a seed must not be negative, got {seed}")
    patient, physiology, anatomy_seed, scanner, movement, noise = np.random.SeedSequence(seed).spawn(6)
    rng = np.random.default_rng(patient)
    mapped = None if anatomy is None else map_patient(rng, anatomy)
    habitus = draw_habitus(rng) if mapped is None else mapped.habitus
    warp = draw_warp(rng)
    pathologies = {side: draw_pathology(rng) for side in (0, 1)}
    kinetics, attenuation = _draw_physiology(physiology, habitus, corticomedullary)
    rng = np.random.default_rng(scanner)
    top = np.inf if mapped is None else mapped.top
    if reference is None:
        first, origin = draw_grid(rng, habitus, top)
    else:
        first, origin = reference, _centred(rng, reference, habitus, top)
    names = (*PHASES, CORTICOMEDULLARY) if corticomedullary else PHASES
    others = [similar_grid(rng, first, reference is None) for _ in PHASES[1:]]
    protocols = [draw_protocol(rng, grid) for grid in (first, *others)]
    if corticomedullary:
        protocols.append(draw_protocol(rng, similar_grid(rng, first, reference is None)))
    rng = np.random.default_rng(movement)
    motions = [still(), *(draw_motion(rng, habitus, origin) for _ in names[1:])]
    maps = [
        _to_canvas(protocol.grid, motion, warp, origin) for protocol, motion in zip(protocols, motions, strict=True)
    ]
    canvas = canvas_grid([p.grid for p in protocols], maps)
    if mapped is None:
        painted = paint_anatomy(anatomy_seed, habitus, attenuation, canvas, pathologies)
    else:
        painted = paint_mapped_anatomy(anatomy_seed, mapped, attenuation, canvas, pathologies)
    phases = {}
    streams = noise.spawn(len(names))
    for index, (name, protocol, motion, offset) in enumerate(zip(names, protocols, motions, maps, strict=True)):
        noisy = np.random.default_rng(streams[index])
        phases[name] = _acquire_phase(noisy, index, protocol, motion, offset, painted.canvas, first)
    clean = _slices(painted.canvas, PHASES.index("nephrographic"), protocols[0])
    truth = pull([(clean, "bilinear")], canvas, first, maps[0])[0][0]
    return SimulatedExam(
        seed=seed,
        phases=phases,
        labels=phases[PHASES[0]].labels,
        kidneys=phases[PHASES[0]].kidneys,
        nephrographic_truth=truth.clamp_(-1024, 3071).numpy(),
        kinetics=kinetics,
        findings=[_in_reference(f, warp, origin) for f in painted.findings],
    )


def _draw_physiology(
    seed: np.random.SeedSequence, habitus: Habitus, corticomedullary: bool
) -> tuple[ExamKinetics, Tensor]:
    rng, early = np.random.default_rng(seed), np.random.default_rng(seed.spawn(1)[0])
    volume = sum(0.6 * 8 * float(np.prod(k.half)) / 1000 for k in habitus.kidneys)
    kinetics = draw_parameters(rng, max(volume, 120.0), habitus.weight_kg)
    delay = kinetics.arrival_s + float(early.uniform(*CORTICOMEDULLARY_AFTER_ARRIVAL_S)) if corticomedullary else None
    return kinetics, draw_attenuation(rng, kinetics, delay)


def _centred(rng: np.random.Generator, grid: Grid, habitus: Habitus, top: float) -> NDArray[np.float64]:
    """Draws the place of the anatomy's origin so that a given grid shows the kidneys.

    A tall grid starts at most 100 to 190 mm above the kidneys, about at the domes of the diaphragm, and reaches down.
    It never starts above `top`, the height in the anatomy frame up to which the patient is known.
    """
    middle = np.mean([k.centre for k in habitus.kidneys], axis=0)
    down = max(0.0, grid.extent[2] / 2 - float(rng.spawn(1)[0].uniform(100, 190)))
    slack = np.clip((np.asarray(grid.extent) - [230, 130, 160]) / 2, 0, 25)
    target = np.array([0.0, 0.5 * middle[1] if grid.extent[1] > 220 else middle[1], middle[2] - down])
    origin = np.asarray(grid.centre) - target + rng.uniform(-1, 1, 3) * slack
    origin[2] = max(origin[2], grid.origin[2] + grid.extent[2] - top)
    return origin


def _to_canvas(grid: Grid, motion: Motion, warp: Warp, origin: NDArray[np.float64]) -> SmoothMap:
    """Returns canvas point minus grid point for every point of a phase."""

    def offset(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        px, py, pz = invert(motion, x, y, z) if motion.amplitude else (x, y, z)
        moved = torch.stack(torch.broadcast_tensors(px, py, pz)) + warp(
            px - float(origin[0]), py - float(origin[1]), pz - float(origin[2])
        )
        return (
            moved
            - torch.stack(torch.broadcast_tensors(x, y, z))
            - torch.tensor(origin, dtype=torch.float32)[:, None, None, None]
        )

    return tabulate(offset, grid)


def _acquire_phase(
    rng: np.random.Generator,
    phase: int,
    protocol: Protocol,
    motion: Motion,
    offset: SmoothMap,
    canvas: Canvas,
    reference: Grid,
) -> Phase:
    """Acquires the painted patient with one phase's motion, slices, kernel and noise."""
    slices = _slices(canvas, phase, protocol)
    sampled, labels = pull(
        [(torch.cat([slices, canvas.kidneys]), "bilinear"), (canvas.labels[None], "nearest")],
        canvas.grid,
        protocol.grid,
        offset,
    )
    right, left = sampled[1], sampled[2]
    kidneys = torch.where(left > right, 2, 1) * (torch.maximum(left, right) > 0.5)
    displacement = tabulate(motion, reference).on(torch_axes(reference))
    return Phase(
        protocol.grid,
        acquire(rng, sampled[0], protocol).numpy(),
        displacement.numpy(),
        labels[0].numpy(),
        kidneys.to(torch.uint8).numpy(),
    )


def _slices(canvas: Canvas, phase: int, protocol: Protocol) -> Tensor:
    """Returns the (1, z, y, x) attenuation of a phase on the canvas, averaged over the slice thickness."""
    return slice_profile(canvas.hu[phase : phase + 1], canvas.grid.spacing[2], protocol.thickness_mm)


def _in_reference(finding: Finding, warp: Warp, origin: NDArray[np.float64]) -> Finding:
    """Returns the finding with its centre carried from the anatomy frame to the reference frame."""
    if finding.centre is None:
        return finding
    x, y, z = warp.inverse(finding.centre) + origin
    return replace(finding, centre=(float(x), float(y), float(z)))
