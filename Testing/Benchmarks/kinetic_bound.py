"""Measures how well the excretory phase and told numbers determine the nephrographic HU of the kidneys.

    python Testing/Benchmarks/kinetic_bound.py [--exams 2000] [--seed 1]

Draws exams from the kinetic priors (Monte Carlo), simulates the measurement of each, and estimates the nephrographic
enhancement of the kidneys by the kinetic posterior. The posterior knows the priors, so the table is the bound that no
other method passes with the same knowledge. The delay of the wanted nephrographic phase is known from the third row on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from NephroSynthLib.kinetics.enhancement import enhancement
from NephroSynthLib.kinetics.kinetic_parameters import exam_of
from NephroSynthLib.kinetics.posterior import MEASURED_CORTEX, Observed, Told, estimate, observe, tell
from NephroSynthLib.kinetics.priors import draw_many, draw_parenchyma, draw_weights

TISSUES = ("kidney", "blood", "liver", "spleen", "muscle", "parenchyma_ml")
STEPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("nothing", (), ()),
    ("kidneys alone", ("kidney", "parenchyma_ml"), ()),
    ("+ vessels, liver, spleen, muscle", TISSUES, ()),
    ("+ wanted delay", TISSUES, ("nephrographic_delay_s",)),
    ("+ excretory delay", TISSUES, ("nephrographic_delay_s", "excretory_delay_s")),
    ("+ weight and dose", TISSUES, ("nephrographic_delay_s", "excretory_delay_s", "weight_kg", "iodine_mg")),
    ("+ eGFR", TISSUES, ("nephrographic_delay_s", "excretory_delay_s", "weight_kg", "iodine_mg", "egfr_ml_min")),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exams", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = np.random.default_rng((given.seed, 77))
    draws = draw_many(rng, draw_parenchyma(rng, given.exams), draw_weights(rng, given.exams))
    phase = enhancement(draws, draws.nephrographic_s[:, None])
    weights = {"cortex": MEASURED_CORTEX, "medulla": 1 - MEASURED_CORTEX}
    truth = sum(weight * getattr(phase, name)[:, 0] for name, weight in weights.items())
    exams = [exam_of(draws, index) for index in range(given.exams)]
    measured = [observe(exam, rng) for exam in exams]
    told = [tell(exam, rng) for exam in exams]
    print(f"{'known':36}{'mean absolute error':>22}{'bias':>8}{'sd told':>10}{'within 2 sd':>14}")
    for title, tissues, numbers in STEPS:
        found = [
            estimate(
                replace(Observed(), **{name: getattr(one, name) for name in tissues}),
                replace(Told(), **{name: getattr(other, name) for name in numbers}),
            )
            for one, other in zip(measured, told, strict=True)
        ]
        mean = np.array([sum(weight * one.mean_hu[name] for name, weight in weights.items()) for one in found])
        error = mean - truth
        sd = np.array([one.sd_hu["cortex"] for one in found])
        covered = np.abs([one.mean_hu["cortex"] for one in found] - phase.cortex[:, 0]) < 2 * sd
        print(
            f"{title:36}{np.abs(error).mean():19.1f} HU{error.mean():8.1f}{sd.mean():10.1f}{covered.mean():13.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
