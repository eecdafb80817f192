"""The benchmark: trains each method alike, translates the same held-out exams, and writes tables and a page.

Everything that was done is kept in the folder: prepared exams, checkpoints and bundles, volumes, figures. Called again,
it does only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib import options
from NephroSynthLib.errors import UsageError
from NephroSynthLib.evaluation.frechet import FeatureNetwork
from NephroSynthLib.evaluation.segmenter_features import SegmenterFeatures, feature_network
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.methods.excretory import Excretory
from NephroSynthLib.methods.ic_net import IcNet
from NephroSynthLib.methods.method import Case, Contrast, Method
from NephroSynthLib.methods.registry import METHODS, floor_method, restore_method, trainable_method
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.models.device import resolve_device
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import SynthesisSettings
from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING
from NephroSynthLib.training.benchmark_page import write_page
from NephroSynthLib.training.benchmark_tables import OWN_FEATURES, Row, write_tables
from NephroSynthLib.training.case_organs import organ_masks
from NephroSynthLib.training.order import HELD_OUT, TrainingOrder
from NephroSynthLib.training.pool import CasePool, PreparedCase
from NephroSynthLib.training.record import own_cases
from NephroSynthLib.training.scores import (
    Figures,
    SetPart,
    Volume,
    exam_figures,
    organ_correlations,
    organ_figures,
    set_figures,
    set_part,
)
from NephroSynthLib.training.segmenter_judge import agreement, found_kidneys
from NephroSynthLib.training.synthesis_cases import make_case
from NephroSynthLib.training.train import train

CALIBRATED = "+ic-net"
"""Follows the name of a method whose slices IC-Net calibrates."""
CALIBRATOR = "ic-net"
COMPARED = "dssnict"
KIDNEYS = "-kidneys.npz"
"""End of the name of a file with the kidneys that the segmenter finds in a volume."""
EVERY = (*(name for name in METHODS if name != CALIBRATOR), f"ascii-2{CALIBRATED}", f"ascii-3{CALIBRATED}")
TRAINED = 0.9
"""Share of the progress of a method that its training takes."""


@dataclass(frozen=True)
class Budget:
    """How long each method is trained.

    Attributes:
        batches: Batches, whose crops have equally many voxels for all methods.
        exams: Simulated exams to draw from.
        batch_size: Crops of a batch.
        learning_rate: The highest.
    """

    batches: int
    exams: int
    batch_size: int = 2
    learning_rate: float = 1e-3


BUDGETS: Mapping[options.Budget, Budget] = {
    "tiny": Budget(batches=30, exams=4),
    "small": Budget(batches=600, exams=60),
    "paper": Budget(batches=200_000, exams=800, batch_size=4, learning_rate=1e-4),
}
"""`tiny` shows that all works, and no more."""


@dataclass(frozen=True)
class BenchmarkOrder:
    """What to compare.

    Attributes:
        folder: Takes everything.
        methods: Names of methods, each with or without `CALIBRATED`.
        exams: Held-out exams.
        budget: A name in `BUDGETS`.
        device: As in `resolve_device`.
        seed: Of the trainings and of the noise.
        features: TorchScript file of the network whose features the distances of sets use; None takes our segmenter's
            encoder.
    """

    folder: Path
    methods: Sequence[str]
    exams: int
    budget: options.Budget = options.BUDGET.default
    device: str = "auto"
    seed: int = 0
    features: Path | None = None

    def __post_init__(self) -> None:
        if not self.methods:
            raise UsageError(f"No method is named; there are {', '.join(EVERY)}.")
        for name in self.methods:
            if name.removesuffix(CALIBRATED) not in METHODS:
                raise UsageError(f"There is no method '{name}'; there are {', '.join(EVERY)}.")

    @property
    def features_in_words(self) -> str:
        """The network whose features the distances of sets use."""
        return OWN_FEATURES if self.features is None else f"the network {self.features.name}"

    @property
    def needed(self) -> tuple[str, ...]:
        """The methods to train, each once, in the order in which they are needed."""
        used = [part for name in self.methods for part in name.split("+")]
        return tuple(dict.fromkeys(name for name in used if METHODS[name].trainable))


def benchmark(order: BenchmarkOrder, progress: Progress) -> list[Row]:
    """Trains what is not trained, evaluates what is not evaluated, and writes the tables.

    Returns:
        A row for each method, in the order asked.

    Raises:
        UsageError: A method is unknown, or the folder holds trainings of another budget.
        ModelError: The network of the features cannot be read.
        Cancelled: The user ended it; what is done is kept.
    """
    encoder, features = SegmenterFeatures(), feature_network(order.features)
    cases = _held_out(order, progress.part(0.0, 0.04))
    truths = _truths(order, cases, features, progress.part(0.04, 0.05))
    bundles: dict[str, Path] = {}
    for index, name in enumerate(order.needed):
        bundles[name] = _trained(order, name, progress.part(*_share(0.05, TRAINED, index, len(order.needed))))
    rows = []
    for index, name in enumerate(order.methods):
        part = progress.part(*_share(TRAINED, 1.0, index, len(order.methods)))
        rows.append(_judged(order, name, bundles, cases, truths, encoder, features, part))
        write_tables(order.folder, rows, [exam for exam, _ in cases], order.budget, COMPARED, order.features_in_words)
        exam, case = cases[0]
        shown = exam, _displayed(order, rows, exam, case, bundles)
        write_page(order.folder, rows, len(cases), order.budget, COMPARED, order.features_in_words, shown)
    return rows


def _share(start: float, stop: float, index: int, count: int) -> tuple[float, float]:
    width = (stop - start) / max(count, 1)
    return start + index * width, start + (index + 1) * width


def _held_out(order: BenchmarkOrder, progress: Progress) -> list[tuple[str, PreparedCase]]:
    """Returns the held-out exams by name: those of a cohort if there are some, else simulated ones."""
    pool = CasePool(order.folder / "held-out", make_case)
    pool.check(("nephrographic",), "synthesis")
    if len(pool.ready()) < order.exams:
        seeds = range(HELD_OUT.start, HELD_OUT.start + order.exams)
        with pool.filling(seeds):
            pool.wait_for(
                order.exams, lambda ready: progress.update(ready / order.exams, f"{ready} held-out exams prepared")
            )
    return [(path.stem, pool.load(path)) for path in pool.ready()[: order.exams]]


def _trained(order: BenchmarkOrder, name: str, progress: Progress) -> Path:
    """Returns the bundle of a method, trained in a folder of its own on the exams that all share."""
    budget, folder = BUDGETS[order.budget], order.folder / "methods" / name
    one_loss = trainable_method(name).untrained().training_module(TrainingOrder("synthesis", folder).plan)
    training = TrainingOrder(
        "synthesis",
        folder,
        method=name,
        steps=budget.batches * (1 if one_loss.automatic_optimization else 2),
        exams=0 if own_cases(CasePool(order.folder / "cases", make_case)) else budget.exams,
        seed=order.seed,
        batch_size=budget.batch_size,
        learning_rate=budget.learning_rate,
        name=name,
        device=order.device,
        shared=order.folder,
        judges=1,
    )
    if training.bundle.exists() and load_bundle(training.bundle).metadata.training["steps"] == training.steps:
        return training.bundle
    return train(training, lambda done, text: progress.update(done, f"{name}: {text}")).bundle


class _Translation(NamedTuple):
    """A nephrographic phase in HU, and the seconds that it took."""

    hu: Volume
    seconds: float


class _Truth(NamedTuple):
    """The acquired phase of an exam, its part of the set, and the kidneys that the segmenter finds in it."""

    hu: Volume
    part: SetPart
    kidneys: sitk.Image


def _truths(
    order: BenchmarkOrder,
    cases: Sequence[tuple[str, PreparedCase]],
    features: FeatureNetwork,
    progress: Progress,
) -> list[_Truth]:
    found = []
    for index, (exam, case) in enumerate(cases):
        progress.update(index / len(cases), f"acquired phase {index + 1} of {len(cases)}")
        hu = case["nephrographic"].astype(np.float32)
        file = order.folder / "volumes" / "acquired" / f"{exam}{KIDNEYS}"
        found.append(_Truth(hu, set_part(hu, features), found_kidneys(hu, file, order.device, Progress())))
    return found


def _judged(
    order: BenchmarkOrder,
    name: str,
    bundles: Mapping[str, Path],
    cases: Sequence[tuple[str, PreparedCase]],
    truths: Sequence[_Truth],
    encoder: SegmenterFeatures,
    features: FeatureNetwork,
    progress: Progress,
) -> Row:
    """Returns the row of a method."""
    plain = name.removesuffix(CALIBRATED)
    method = _method(plain, bundles, order.device)
    calibrator = _method(CALIBRATOR, bundles, order.device) if name != plain else None
    exams: list[Figures] = []
    parts: list[SetPart] = []
    organs: dict[str, NDArray[np.bool_]] = {}
    for index, ((exam, case), truth) in enumerate(zip(cases, truths, strict=True)):
        part = progress.part(*_share(0.0, 1.0, index, len(cases)))
        file = _volume(order, name, exam, bundles)
        made = _translated(order, method, _volume(order, plain, exam, bundles), case, part.part(0.0, 0.8))
        if isinstance(calibrator, IcNet):
            made = _calibrated(file, calibrator, made)
        organs = organ_masks(case)
        kidneys = found_kidneys(made.hu, file.with_name(f"{file.stem}{KIDNEYS}"), order.device, part.part(0.8, 1.0))
        figures = exam_figures(made.hu, truth.hu, case["kidneys"] > 0, encoder)
        figures |= organ_figures(made.hu, truth.hu, organs) | agreement(kidneys, truth.kidneys)
        exams.append({**figures, "seconds": made.seconds})
        parts.append(set_part(made.hu, features))
    of_set = set_figures(parts, [truth.part for truth in truths]) | organ_correlations(exams, list(organs))
    return Row(name, method.title, exams, of_set, list(organs))


def _translated(
    order: BenchmarkOrder, method: Method, path: Path, case: PreparedCase, progress: Progress
) -> _Translation:
    """Returns the nephrographic phase of an exam by a method, from its file if it is there."""
    if not path.exists():
        before, after = (case[phase].astype(np.float32) for phase in ("noncontrast", "excretory"))
        given = Case(before, after, WORKING_SPACING, Contrast(case["contrast"][1], case["contrast"][0]))
        start = time.perf_counter()
        hu = method.translate(given, SynthesisSettings(), order.seed, progress)
        _keep(path, _Translation(hu, time.perf_counter() - start))
    return _kept(path)


def _calibrated(path: Path, calibrator: IcNet, plain: _Translation) -> _Translation:
    """Returns a translation after IC-Net, from its file if it is there."""
    if not path.exists():
        start = time.perf_counter()
        hu = calibrator.calibrate(plain.hu)
        _keep(path, _Translation(hu, plain.seconds + time.perf_counter() - start))
    return _kept(path)


def _keep(path: Path, translation: _Translation) -> None:
    with staged_file(path) as temporary:
        np.savez_compressed(temporary, hu=translation.hu.astype(np.float16), seconds=translation.seconds)


def _kept(path: Path) -> _Translation:
    with np.load(path) as stored:
        return _Translation(stored["hu"].astype(np.float32), float(stored["seconds"]))


def _volume(order: BenchmarkOrder, name: str, exam: str, bundles: Mapping[str, Path]) -> Path:
    """Returns the file of a volume, whose name holds the digests of the models that made it."""
    used = [name.removesuffix(CALIBRATED), *([CALIBRATOR] if name.endswith(CALIBRATED) else [])]
    digests = [load_bundle(bundles[one]).sha256[:8] for one in used if one in bundles]
    return order.folder / "volumes" / name / f"{'-'.join([exam, *digests])}.npz"


def _method(name: str, bundles: Mapping[str, Path], device: str) -> Method:
    if name not in bundles:
        return floor_method(name)
    return restore_method(load_bundle(bundles[name], "synthesis"), resolve_device(device))


def _displayed(
    order: BenchmarkOrder, rows: Sequence[Row], exam: str, case: PreparedCase, bundles: Mapping[str, Path]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yields the volumes of an exam that the page shows, by name, one at a time."""
    for name in ("noncontrast", "excretory", "nephrographic"):
        yield name, case[name].astype(np.float32)
    for row in (row for row in rows if row.method != Excretory.name):
        with np.load(_volume(order, row.method, exam, bundles)) as stored:
            yield row.method, stored["hu"].astype(np.float32)
