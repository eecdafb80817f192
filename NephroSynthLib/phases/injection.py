"""Weight of the patient and iodine of the injection, by a DICOM header."""

from __future__ import annotations

import math

from NephroSynthLib.phases.evidence import Tags

_WEIGHTS_KG, _DOSES_G = (2.0, 400.0), (1.0, 150.0)
_MG_PER_G = 1000.0


def weight_kg(header: Tags) -> float | None:
    """Returns the weight of the patient in kg; None where the header lacks it, or it is no weight of a person."""
    return _between(_number(header, "PatientWeight"), *_WEIGHTS_KG)


def iodine_g(header: Tags) -> float | None:
    """Returns the mass of the injected iodine in g.

    The header states the volume of the undiluted agent in ml (`ContrastBolusTotalDose`, else `ContrastBolusVolume`),
    and its iodine in mg/ml (`ContrastBolusIngredientConcentration`).

    Returns:
        The mass; None where the header lacks a part of it, or it is no dose for a person.
    """
    volume = _number(header, "ContrastBolusTotalDose") or _number(header, "ContrastBolusVolume")
    concentration = _number(header, "ContrastBolusIngredientConcentration")
    ingredient = str(header.get("ContrastBolusIngredient") or "IODINE").upper()
    if volume is None or concentration is None or ingredient != "IODINE":
        return None
    return _between(volume * concentration / _MG_PER_G, *_DOSES_G)


def _number(header: Tags, name: str) -> float | None:
    try:
        value = float(str(header.get(name)))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _between(value: float | None, least: float, most: float) -> float | None:
    return value if value is not None and least <= value <= most else None
