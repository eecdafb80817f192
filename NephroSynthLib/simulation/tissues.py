"""Tissues of the simulated abdomen and their published attenuation."""

from __future__ import annotations

from dataclasses import dataclass
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
    BLADDER_WALL = 44
    BLADDER = 45
    UTERUS = 46
    PROSTATE = 47
    ASCITES = 48


@dataclass(frozen=True)
class HuRange:
    """Range of the mean HU of a tissue in most patients, with its source.

    Attributes:
        noncontrast: Lowest and highest HU without contrast.
        nephrographic: The same 80 to 120 s after the start of the injection.
        excretory: The same 5 to 15 min after it.
        source: Where the ranges come from; a range that only an unenhanced source gives is widened by the enhancement
            that the kinetic model's sources give for blood.
    """

    noncontrast: tuple[float, float]
    nephrographic: tuple[float, float]
    excretory: tuple[float, float]
    source: str


_LAMBA = "Lamba et al., AJR 2014;203:1013-1020 (unenhanced)"
_BAE = "Bae, Radiology 2010;256:32-61 (enhancement over time)"
_GOSHIMA = "Goshima et al., Eur J Radiol 2007;63:420-426 (cortex, medulla, aorta, 45-55 s after bolus tracking)"
_YUH = "Yuh and Cohan, AJR 1999;173:747-755 (phases of the kidney)"

PUBLISHED_HU: dict[Tissue, HuRange] = {
    Tissue.SUBCUTANEOUS_FAT: HuRange(
        (-125, -85), (-125, -85), (-125, -85), "PubMed 37296765 (95 % interval -123 to -89)"
    ),
    Tissue.VISCERAL_FAT: HuRange(
        (-125, -80), (-125, -80), (-125, -80), "PubMed 37296765, visceral 4 HU above subcutaneous"
    ),
    Tissue.MUSCLE: HuRange((30, 75), (40, 90), (40, 90), f"{_LAMBA}; {_BAE}"),
    Tissue.LIVER: HuRange((30, 75), (75, 140), (55, 115), f"{_LAMBA}; Park et al., Radiology 2011;258:760-766; {_BAE}"),
    Tissue.SPLEEN: HuRange(
        (35, 60), (85, 170), (60, 115), f"{_LAMBA}; Park et al., Radiology 2011;258:760-766; {_BAE}"
    ),
    Tissue.PANCREAS: HuRange((15, 55), (60, 130), (40, 100), f"{_LAMBA}; {_BAE}"),
    Tissue.AORTA: HuRange((25, 55), (100, 230), (55, 130), f"{_LAMBA}; {_BAE}; {_GOSHIMA}"),
    Tissue.VENA_CAVA: HuRange((25, 55), (90, 220), (50, 125), f"{_LAMBA}; {_BAE}"),
    Tissue.CORTEX: HuRange((20, 45), (110, 260), (60, 190), f"{_LAMBA}; {_GOSHIMA}; {_YUH}"),
    Tissue.MEDULLA: HuRange((20, 45), (100, 250), (60, 190), f"{_LAMBA}; {_GOSHIMA}; {_YUH}"),
    Tissue.PELVIS: HuRange((-10, 20), (-10, 60), (200, 3071), f"{_YUH}; Caoili et al., Radiology 2002;222:353-360"),
    Tissue.CYST: HuRange(
        (-10, 30), (-10, 35), (-10, 35), "Silverman et al., Radiology 2019;292:475-488 (Bosniak 2019: -9 to 20)"
    ),
    Tissue.MASS: HuRange((15, 60), (40, 180), (35, 130), "Birnbaum et al., Radiology 1996;200:753-758"),
    Tissue.STONE: HuRange((200, 1700), (200, 1700), (200, 1700), "Mostafavi et al., J Urol 1998;159:673-675"),
    Tissue.SPONGY_BONE: HuRange(
        (50, 280), (50, 300), (50, 300), "Pickhardt et al., Ann Intern Med 2013;158:588-595 (L1)"
    ),
    Tissue.BLADDER: HuRange(
        (-10, 20), (-10, 60), (20, 3071), f"{_YUH}; urine of the pelvis, mixed with what was there"
    ),
    Tissue.GALLBLADDER: HuRange((-10, 30), (-10, 30), (-10, 30), _LAMBA),
}

TISSUE_COUNT = len(Tissue)
