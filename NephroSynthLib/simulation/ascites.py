"""Free fluid between the organs of the abdomen."""

from __future__ import annotations

import numpy as np

from NephroSynthLib.simulation.body import cavity_distance
from NephroSynthLib.simulation.canvas import Canvas
from NephroSynthLib.simulation.habitus import Habitus
from NephroSynthLib.simulation.splines import smooth_noise
from NephroSynthLib.simulation.tissues import Tissue

FREQUENCY = 1 / 12
"""Share of the patients with ascites, far above that of any hospital, because it looks like organs full of fluid."""
_DEPTH_MM = (8.0, 110.0)


def paint_ascites(canvas: Canvas, habitus: Habitus, rng: np.random.Generator) -> None:
    """Paints ascites into the visceral fat, now and then: from fluid along the wall to a cavity full of it.

    Fluid lies in the flanks and around liver and spleen first, and between the loops of bowel when there is much of it.
    The fat around the kidneys stays.

    Args:
        canvas: Where to paint.
        habitus: The patient.
        rng: Draws presence, amount, HU and the border of the fluid.
    """
    if rng.random() >= FREQUENCY:
        return
    depth = float(np.exp(rng.uniform(*np.log(_DEPTH_MM))))
    box = canvas.whole()
    wall = box.evaluate_coarsely(lambda x, y, z: cavity_distance(habitus, x, y, z), 8.0)
    fluid = -depth - wall + float(rng.uniform(5, 15)) * smooth_noise(rng, box.axes, 25.0)
    hu = canvas.attenuation[Tissue.ASCITES] + float(rng.normal(0, 4))
    canvas.paint(box, fluid, Tissue.ASCITES, hu=hu, where=canvas.is_one_of(box, {Tissue.VISCERAL_FAT}))
