"""The parts that a label map lacks: skin, fat, the muscular wall, muscles of the loin, small vessels."""

from __future__ import annotations

import numpy as np
import torch

from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_organs import points_inside
from NephroSynthLib.simulation.mapped_patient import MappedPatient
from NephroSynthLib.simulation.shapes import curve
from NephroSynthLib.simulation.silhouette import Silhouette
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue


def paint_mapped_body(canvas: Canvas, patient: MappedPatient, rng: np.random.Generator) -> None:
    """Paints skin, subcutaneous fat with its septa, the muscular wall and the fat that fills the cavity."""
    box = canvas.whole()

    def evaluate(silhouette: Silhouette) -> torch.Tensor:
        return box.evaluate_coarsely(silhouette.distance)

    body, muscle, cavity = (evaluate(s) for s in (patient.body, patient.muscle, patient.cavity))
    canvas.paint(box, body - 2.0, Tissue.SKIN)
    canvas.paint(box, body, Tissue.SUBCUTANEOUS_FAT)
    septa = smooth_noise(rng, box.axes, (30.0, 14.0, 14.0)).abs() * 12.0 - float(rng.uniform(-0.6, 0.5))
    canvas.paint(box, torch.maximum(septa, body + 2.0), Tissue.FASCIA)
    canvas.paint(box, muscle, Tissue.MUSCLE)
    habitus = patient.habitus
    flanks = ((box.y < habitus.spine_y) & (box.z > habitus.pelvis.crest)).float()
    canvas.paint(box, (cavity - 0.55 * float(habitus.wall[1])).abs() - 0.7, Tissue.VISCERAL_FAT, where=flanks)
    canvas.paint(box, cavity, Tissue.VISCERAL_FAT)


def paint_liver_vessels(canvas: Canvas, label_map: LabelMap, rng: np.random.Generator) -> None:
    """Paints vessels that fan out in the liver from the end of the portal vein."""
    portal = label_map.points("portal_vein_and_splenic_vein")
    targets = points_inside(rng, label_map, "liver", int(rng.integers(9, 15)))
    if not len(portal) or not len(targets):
        return
    liver = targets.mean(axis=0)
    root = portal[np.argmin(np.linalg.norm(portal - liver, axis=1))]
    for target in targets:
        middle = (root + target) / 2 + rng.normal(0, 8, 3)
        course = curve(np.array([root, middle, target]), 7.0)
        radii = np.linspace(rng.uniform(2.5, 5.0), 0.8, len(course))
        canvas.paint_tube(course, radii, Tissue.LIVER_VESSEL, where={Tissue.LIVER})


def paint_plaques(canvas: Canvas, label_map: LabelMap, rng: np.random.Generator) -> None:
    """Paints calcified plaques of the aorta in every second patient."""
    if rng.random() < 0.5:
        return
    points = label_map.points("aorta", "iliac_artery_left", "iliac_artery_right")
    for _ in range(int(rng.integers(2, 22)) if len(points) else 0):
        level = points[np.abs(points[:, 2] - rng.choice(points[:, 2])) < 1.0]
        centre = level.mean(axis=0)
        edge = level[np.argmax((level - centre) @ rng.standard_normal(3))]
        canvas.paint_tube(
            np.array([edge, edge + rng.normal(0, 2.5, 3)]),
            float(rng.uniform(0.5, 1.8)),
            Tissue.CALCIFICATION,
            where={Tissue.AORTA, Tissue.VISCERAL_FAT},
        )
