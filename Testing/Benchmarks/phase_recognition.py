"""Measures phase recognition on simulated studies with shuffled, misleading, foreign-language and empty descriptions.

    python Testing/Benchmarks/phase_recognition.py [--studies 50] [--first-seed 930000]

Prints a line for each study and a summary. Exits with 1 if a phase is wrong that was said to be sure.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.recognition import recognize_phases
from NephroSynthLib.dicom.simulated_study import DELAYS_S, write_simulated_study
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.segmentation.segmenter import segment_kidneys
from NephroSynthLib.settings import SegmentationSettings
from NephroSynthLib.simulation import SimulatedExam, simulate

PHASES = ("noncontrast", "nephrographic", "excretory")
LANGUAGES = (
    ("Abdomen non-contrast", "Abdomen nephrographic 100 s", "Abdomen delayed 10 min"),
    ("Abdomen nativ", "Nephrographische Phase", "Ausscheidungsphase"),
    ("Sans injection", "Phase néphrographique", "Temps tardif"),
    ("Abdomen sin contraste", "Fase nefrográfica", "Fase excretora"),
    ("Basale senza mdc", "Fase nefrografica", "Fase escretoria"),
    ("Sem contraste", "Fase nefrográfica", "Fase de eliminação"),
    ("Blanco", "Nefrografische fase", "Uitscheidingsfase"),
    ("Faza natywna, bez kontrastu", "Faza nefrograficzna", "Faza wydalnicza"),
    ("Kontrastsız", "Nefrografik faz", "Ekskretuar faz"),
    ("平扫", "肾实质期", "排泄期"),
    ("単純CT", "腎実質相", "排泄相"),
    ("조영전", "신실질기", "배설기"),
    ("Без контраста", "Нефрографическая фаза", "Экскреторная фаза"),
)
KINDS = ("foreign", "empty", "misleading", "the same", "meaningless")


def describe(kind: str, choice: random.Random) -> dict[str, str]:
    """Returns a description for each phase."""
    words = choice.choice(LANGUAGES)
    if kind == "foreign":
        return dict(zip(PHASES, words, strict=True))
    if kind == "misleading":
        return dict(zip(PHASES, (*words[1:], words[0]), strict=True))
    if kind == "the same":
        return dict.fromkeys(PHASES, "CT urography without and with contrast")
    if kind == "meaningless":
        return {phase: f"Abdomen {choice.choice(('1.5', '3.0', '5.0'))} B30f" for phase in PHASES}
    return {}


def main(simulated: Callable[[int], SimulatedExam] = simulate) -> int:
    """Runs the benchmark, on the exams that `simulated` gives for a seed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--studies", type=int, default=50)
    options.add_argument("--first-seed", type=int, default=930_000)
    chosen = options.parse_args()
    right = wrong = wrong_but_sure = asked = 0
    for number in range(chosen.studies):
        seed = chosen.first_seed + number
        choice = random.Random(seed)
        kind = KINDS[number % len(KINDS)]
        phases = [phase for phase in PHASES if phase != "nephrographic" or choice.random() < 0.8]
        choice.shuffle(phases)
        delays = DELAYS_S if choice.random() < 0.5 else dict.fromkeys(PHASES)
        found = recognize(to_images(simulated(seed)), phases, seed, describe(kind, choice), delays)
        for truth, (phase, probability, sure) in found.items():
            right += phase == truth
            wrong += phase != truth
            asked += not sure
            wrong_but_sure += phase != truth and sure
            mark = "right" if phase == truth else "WRONG"
            tags = "timing tags" if delays is DELAYS_S else "no timing tags"
            answer = f"{phase} {probability:.3f}{'' if sure else ' (asks)'}"
            print(f"{seed} {kind:12} {tags:14} {truth:14} {mark} {answer}", flush=True)
    total = right + wrong
    print(f"{right} of {total} right, {asked} asked about, {wrong_but_sure} wrong but said to be sure")
    return 1 if wrong_but_sure else 0


def _kidneys(image: sitk.Image) -> sitk.Image:
    return segment_kidneys(image, SegmentationSettings()).labels


def recognize(
    images: dict[str, sitk.Image],
    phases: list[str],
    seed: int,
    descriptions: dict[str, str],
    delays_s: dict[str, float | None],
) -> dict[str, tuple[str, float, bool]]:
    """Writes the phases as a study, and returns for each the found phase, its probability, and whether it is sure."""
    with tempfile.TemporaryDirectory() as folder:
        write_simulated_study(
            {phase: images[phase] for phase in phases},
            Path(folder),
            seed=seed,
            descriptions=descriptions,
            delays_s=delays_s,
        )
        report = recognize_phases(index_dicom(Path(folder)), segment=_kidneys)
    found = {}
    for exam in report.exams:
        for one in exam.acquisitions:
            found[phases[(one.series.number or 0) - 1]] = (one.phase.value, one.probability, one.sure)
    return found


if __name__ == "__main__":
    sys.exit(main())
