"""Attenuation of every tissue in every phase, from its unenhanced value and the exam's kinetics."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from NephroSynthLib.kinetics.enhancement import enhancement
from NephroSynthLib.kinetics.kinetic_parameters import ExamKinetics
from NephroSynthLib.kinetics.uptake import ORGAN_UPTAKE, UPTAKE_SD
from NephroSynthLib.simulation.tissues import TISSUE_COUNT, Tissue

PHASES = ("noncontrast", "nephrographic", "excretory")
CORTICOMEDULLARY = "corticomedullary"
"""A phase that an exam may have besides: the cortex is bright, the medulla still dark."""
CORTICOMEDULLARY_AFTER_ARRIVAL_S = (12.0, 28.0)
"""Delay after the arrival of the bolus; Goshima et al. (Eur J Radiol 2007;63:420-426) scanned 10 to 30 s after it."""

# Unenhanced HU: mean and standard deviation between patients. The ranges behind them are in tissues.PUBLISHED_HU.
UNENHANCED: dict[Tissue, tuple[float, float]] = {
    Tissue.AIR: (-1000, 4),
    Tissue.SKIN: (30, 15),
    Tissue.SUBCUTANEOUS_FAT: (-106, 6),
    Tissue.VISCERAL_FAT: (-100, 8),
    Tissue.PERIRENAL_FAT: (-102, 7),
    Tissue.MUSCLE: (52, 8),
    Tissue.CORTICAL_BONE: (650, 180),
    Tissue.SPONGY_BONE: (150, 50),
    Tissue.DISC: (75, 15),
    Tissue.SPINAL_CANAL: (25, 8),
    Tissue.LUNG: (-840, 40),
    Tissue.LIVER: (54, 10),
    Tissue.LIVER_VESSEL: (40, 5),
    Tissue.SPLEEN: (47, 5),
    Tissue.GALLBLADDER: (10, 7),
    Tissue.STOMACH: (38, 7),
    Tissue.BOWEL_WALL: (36, 7),
    Tissue.BOWEL_FLUID: (14, 12),
    Tissue.STOOL: (15, 45),
    Tissue.ORAL_CONTRAST: (280, 110),
    Tissue.BOWEL_GAS: (-950, 30),
    Tissue.PANCREAS: (36, 9),
    Tissue.ADRENAL: (25, 10),
    Tissue.AORTA: (40, 6),
    Tissue.VENA_CAVA: (39, 6),
    Tissue.RENAL_ARTERY: (40, 5),
    Tissue.RENAL_VEIN: (39, 5),
    Tissue.SMALL_VESSEL: (38, 5),
    Tissue.CALCIFICATION: (700, 250),
    Tissue.CORTEX: (32, 4),
    Tissue.MEDULLA: (34, 4),
    Tissue.SINUS_FAT: (-88, 14),
    Tissue.PELVIS: (5, 5),
    Tissue.CALYX: (6, 5),
    Tissue.URETER: (10, 6),
    Tissue.CYST: (8, 6),
    Tissue.MASS: (34, 7),
    Tissue.STONE: (800, 350),
    Tissue.FASCIA: (-30, 25),
    Tissue.TABLE: (-150, 150),
    Tissue.METAL: (3000, 0),
    Tissue.NECROSIS: (18, 6),
    Tissue.LYMPH_NODE: (35, 6),
    Tissue.HEART: (40, 5),
    Tissue.BLADDER_WALL: (38, 6),
    Tissue.BLADDER: (5, 5),
    Tissue.UTERUS: (46, 7),
    Tissue.PROSTATE: (42, 7),
    Tissue.ASCITES: (9, 8),
}

# Share of blood volume and of interstitial fluid that takes part in the enhancement of a tissue.
UPTAKE: dict[Tissue, tuple[float, float]] = {
    Tissue.SKIN: (0.05, 0.3),
    Tissue.MUSCLE: ORGAN_UPTAKE["muscle"],
    Tissue.SPONGY_BONE: (0.06, 0.1),
    Tissue.DISC: (0.0, 0.05),
    Tissue.SPINAL_CANAL: (0.02, 0.02),
    Tissue.LIVER: ORGAN_UPTAKE["liver"],
    Tissue.LIVER_VESSEL: (0.92, 0.05),
    Tissue.SPLEEN: ORGAN_UPTAKE["spleen"],
    Tissue.STOMACH: (0.34, 0.3),
    Tissue.BOWEL_WALL: (0.36, 0.3),
    Tissue.PANCREAS: (0.36, 0.25),
    Tissue.ADRENAL: (0.32, 0.3),
    Tissue.AORTA: ORGAN_UPTAKE["blood"],
    Tissue.VENA_CAVA: (0.9, 0.0),
    Tissue.RENAL_ARTERY: (1.0, 0.0),
    Tissue.RENAL_VEIN: (0.95, 0.0),
    Tissue.SMALL_VESSEL: (0.9, 0.0),
    Tissue.MASS: (0.4, 0.4),
    Tissue.NECROSIS: (0.04, 0.1),
    Tissue.LYMPH_NODE: (0.2, 0.3),
    Tissue.HEART: (0.6, 0.2),
    Tissue.BLADDER_WALL: (0.12, 0.3),
    Tissue.UTERUS: (0.35, 0.3),
    Tissue.PROSTATE: (0.2, 0.3),
}

# Tissues whose blood comes straight from the arteries; the blood of the others is later and smoother.
ARTERIAL = frozenset(
    {
        Tissue.AORTA,
        Tissue.RENAL_ARTERY,
        Tissue.RENAL_VEIN,
        Tissue.HEART,
        Tissue.SPLEEN,
        Tissue.PANCREAS,
        Tissue.ADRENAL,
        Tissue.MASS,
    }
)

# Tissues that are blood, and so have no uptake of their own that differs between patients.
VESSELS = frozenset(
    {
        Tissue.AORTA,
        Tissue.VENA_CAVA,
        Tissue.RENAL_ARTERY,
        Tissue.RENAL_VEIN,
        Tissue.SMALL_VESSEL,
        Tissue.LIVER_VESSEL,
    }
)


def draw_attenuation(
    rng: np.random.Generator, parameters: ExamKinetics, corticomedullary_s: float | None = None
) -> Tensor:
    """Returns the HU of every tissue in the phases of one exam.

    Args:
        rng: Source of the differences between patients. One exam in six has unenhanced values from tails twice as wide.
        parameters: The exam's kinetics.
        corticomedullary_s: Delay of a corticomedullary phase after the start of the injection; None for none.

    Returns:
        Float32 (tissue, 3) in `PHASES` order, or (tissue, 4) with the corticomedullary phase last.
    """
    early = [] if corticomedullary_s is None else [corticomedullary_s]
    times = np.array([0.0, parameters.nephrographic_s, parameters.excretory_s, *early])
    result = enhancement(parameters, times)
    spread = 2.0 if rng.random() < 1 / 6 else 1.0
    table = np.zeros((TISSUE_COUNT, len(times)))
    for tissue, (mean, deviation) in UNENHANCED.items():
        table[tissue] = mean + spread * deviation * rng.standard_normal()
        vascular, interstitial = UPTAKE.get(tissue, (0.0, 0.0))
        strength = 1.0 if tissue in VESSELS else np.exp(UPTAKE_SD * rng.standard_normal())
        blood = result.blood if tissue in ARTERIAL else result.veins
        table[tissue] += strength * (vascular * blood + interstitial * result.interstitium)
    table[Tissue.CORTEX] += result.cortex
    table[Tissue.MEDULLA] += result.medulla
    for tissue in (Tissue.PELVIS, Tissue.CALYX, Tissue.URETER):
        table[tissue] += result.urine
    table[Tissue.BLADDER, :3] += result.urine[:3] * rng.uniform([0, 0, 0.03], [0, 0.03, 0.5])
    table[Tissue.AIR] = -1000.0
    table[Tissue.STONE] = np.clip(table[Tissue.STONE], 250.0, 1600.0)
    table[Tissue.CALCIFICATION] = np.clip(table[Tissue.CALCIFICATION], 250.0, 1500.0)
    table[Tissue.ORAL_CONTRAST] = np.clip(table[Tissue.ORAL_CONTRAST], 120.0, 700.0)
    return torch.from_numpy(np.clip(table, -1024.0, 3071.0).astype(np.float32))
