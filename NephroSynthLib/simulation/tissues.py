"""Tissues of the simulated abdomen and their published attenuation."""

from __future__ import annotations

from enum import IntEnum


class Tissue(IntEnum):
    """Label values of a simulated exam."""

    AIR = 0
    SKIN = 1
    SUBCUTANEOUS_FAT = 2
    VISCERAL_FAT = 3
    PERIRENAL_FAT = 4
    MUSCLE = 5
    CORTICAL_BONE = 6
    SPONGY_BONE = 7
    DISC = 8
    SPINAL_CANAL = 9
    LUNG = 10
    LIVER = 11
    LIVER_VESSEL = 12
    SPLEEN = 13
    GALLBLADDER = 14
    STOMACH = 15
    BOWEL_WALL = 16
    BOWEL_FLUID = 17
    STOOL = 18
    ORAL_CONTRAST = 19
    BOWEL_GAS = 20
    PANCREAS = 21
    ADRENAL = 22
    AORTA = 23
    VENA_CAVA = 24
    RENAL_ARTERY = 25
    RENAL_VEIN = 26
    SMALL_VESSEL = 27
    CALCIFICATION = 28
    CORTEX = 29
    MEDULLA = 30
    SINUS_FAT = 31
    PELVIS = 32
    CALYX = 33
    URETER = 34
    CYST = 35
    MASS = 36
    STONE = 37
    FASCIA = 38
    TABLE = 39
    METAL = 40
    NECROSIS = 41
    LYMPH_NODE = 42
    HEART = 43


TISSUE_COUNT = len(Tissue)
