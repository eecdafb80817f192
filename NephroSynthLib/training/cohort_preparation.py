"""Prepares the exams of a cohort for training, here or on an engine, and holds a share of them out."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from NephroSynthLib import __version__
from NephroSynthLib.engines.engine import Engine, Lost
from NephroSynthLib.errors import Action, InputError, NephroSynthError, QualityGateError, UnreadableInputError
from NephroSynthLib.exam.kits_layout import exam_folders
from NephroSynthLib.files.staging import check_space, staged_file
from NephroSynthLib.models.bundle import Task
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings
from NephroSynthLib.training import segmentation_cases, synthesis_cases
from NephroSynthLib.training.cohort_cases import cohort_case, contents
from NephroSynthLib.training.pool import CASE_BYTES, FIRST_OF_COHORT, CasePool, PreparedCase, save_case

REJECTED = "rejected.json"


@dataclass
class Prepared:
    """The outcome of preparing a cohort.

    Attributes:
        cases: Number of exams that training can draw from.
        held_out: Names of the exams that are kept for judging.
        skipped: The reason why an exam was left out, by the name of its folder.
    """

    cases: int = 0
    held_out: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def prepare_cohort(
    task: Task,
    cohort: Path,
    out: Path,
    *,
    held_out_share: float = 0.1,
    settings: Settings,
    engine: Engine | None = None,
    progress: Progress = Progress(),
) -> Prepared:
    """Prepares the exams of a cohort that are not prepared yet. An exam that cannot be prepared is skipped.

    Args:
        task: The task of the model to train.
        cohort: The folder of the cohort, or the root of a KiTS data set.
        out: Takes `cases` and `held-out`, as `nephrosynth train --out` expects them, and `rejected.json` with the
            reasons of exams that were left out. A digest of the exam's content numbers each file, so an exam that
            changes is prepared again, and one that is there twice counts once.
        held_out_share: Share of the exams to hold out, in [0, 1]. Exams that are held out stay so when a cohort grows.
        settings: Device, seed and models that find kidneys.
        engine: Prepares the exams, several at the same time; None prepares them in this process.
        progress: Told after each exam.

    Raises:
        UnreadableInputError: The cohort is no folder, or has no folder of an exam.
        UsageError: `out` holds cases of another task.
        ModelError: The segmenter cannot be used.
        ResourceError: Memory, disk or device do not suffice.
        Cancelled: The user cancelled; exams that are done stay.
    """
    if not cohort.is_dir():
        problem = "The cohort is no folder." if cohort.exists() else "The folder of the cohort does not exist."
        raise UnreadableInputError(problem, Action.GIVE_COHORT)
    exams = exam_folders(cohort)
    if not exams:
        raise UnreadableInputError("The cohort has no exam.", Action.GIVE_COHORT)
    pools = {name: CasePool(out / name, _refuse) for name in ("cases", "held-out") if (out / name).exists()}
    for pool in pools.values():
        pool.check(synthesis_cases.ARRAYS if task == "synthesis" else segmentation_cases.ARRAYS, task)
    report, rejected, names = Prepared(), _Rejected(out / REJECTED, settings), dict[int, str]()
    tasks: list[_ExamTask] = []
    for exam in exams:
        number = _number(task, exam)
        if number in names:
            report.skipped[exam.name] = f"The exam is the same as {names[number]}."
        elif number in rejected.reasons:
            report.skipped[exam.name] = rejected.reasons[number]
        else:
            names[number] = exam.name
            if not _is_prepared(out, number):
                tasks.append(_ExamTask(task, exam, number, out / "cases" / f"{number}.npz", settings))
    check_space(out, CASE_BYTES * len(tasks))
    try:
        for done, (ended, outcome) in enumerate(_outcomes(engine, tasks, progress), start=1):
            if outcome is not None:
                report.skipped[names.pop(ended.number)] = _reason(outcome)
            if isinstance(outcome, NephroSynthError):
                rejected.add(ended.number, outcome.what)
            progress.update(done / len(tasks), f"prepared exam {done} of {len(tasks)}")
    finally:
        held_out = _hold_out(out, [number for number in names if _is_prepared(out, number)], held_out_share)
    report.held_out = sorted(names[number] for number in held_out)
    report.cases = len(names) - len(held_out)
    return report


class _ExamTask(NamedTuple):
    """An exam to prepare, as an engine passes it to another process.

    Attributes:
        task: The task of the model to train.
        exam: The folder of the exam.
        number: The number of the exam.
        path: The file of its case.
        settings: Device, seed and models that find kidneys.
    """

    task: Task
    exam: Path
    number: int
    path: Path
    settings: Settings


def _outcomes(
    engine: Engine | None, tasks: Sequence[_ExamTask], progress: Progress
) -> Iterator[tuple[_ExamTask, NephroSynthError | Lost | None]]:
    """Yields each task with the reason why the exam is left out, or None if its case was saved.

    Raises:
        NephroSynthError: An error that is not of one exam, such as a lack of memory.
    """
    if engine is None:
        for index, task in enumerate(tasks):
            yield task, _prepare(task, progress.part(index / len(tasks), (index + 1) / len(tasks)))
        return
    for task, outcome in engine.run(_carry_out, tasks):
        if isinstance(outcome, NephroSynthError) and not isinstance(outcome, (InputError, QualityGateError)):
            raise outcome
        yield task, outcome


def _carry_out(task: _ExamTask) -> NephroSynthError | None:
    """Prepares an exam in a process of an engine; an error is the outcome."""
    try:
        return _prepare(task, Progress())
    except NephroSynthError as error:
        return error


def _prepare(task: _ExamTask, progress: Progress) -> InputError | QualityGateError | None:
    """Saves the case of an exam, or returns why it has none."""
    try:
        save_case(cohort_case(task.task, task.exam, task.settings, progress), task.path)
    except (InputError, QualityGateError) as error:
        return error
    return None


def _reason(outcome: NephroSynthError | Lost) -> str:
    return outcome.reason if isinstance(outcome, Lost) else outcome.what


def _is_prepared(out: Path, number: int) -> bool:
    return any((out / folder / f"{number}.npz").exists() for folder in ("cases", "held-out"))


def _refuse(seed: int) -> PreparedCase:
    raise AssertionError(f"A cohort does not simulate exams, such as {seed}.")


def _number(task: Task, exam: Path) -> int:
    """Returns the number of an exam, a digest of the task and of the content of its files."""
    digest = hashlib.sha256(task.encode())
    for name, path in contents(exam):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        parts = sorted(hashlib.sha256(file.read_bytes()).digest() for file in files)
        digest.update(f"\0{name}\0".encode() + b"".join(parts))
    return int.from_bytes(digest.digest()[:6], "big") % 900_000_000_000 + FIRST_OF_COHORT


def _hold_out(out: Path, numbers: Sequence[int], share: float) -> list[int]:
    """Moves prepared exams between `cases` and `held-out`, and returns the numbers of those that are held out.

    A share between 0 and 1 of at least two exams leaves one or more on each side. Exams that are held out already are
    chosen first, and the others in the order of their digests.
    """
    kept = {number for number in numbers if (out / "held-out" / f"{number}.npz").exists()}
    count = round(share * len(numbers))
    if 0 < share < 1:
        count = min(max(count, 1), len(numbers) - 1) if len(numbers) > 1 else 0
    chosen = sorted(numbers, key=lambda number: (number not in kept, number))[:count]
    for number in numbers:
        folder = out / ("held-out" if number in chosen else "cases")
        former = out / ("cases" if number in chosen else "held-out") / f"{number}.npz"
        if former.exists():
            folder.mkdir(parents=True, exist_ok=True)
            former.replace(folder / former.name)
    return chosen


class _Rejected:
    """The reasons of exams that were left out, on disk; they count while the settings stay the same.

    Attributes:
        reasons: The reason by the number of the exam.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = {"version": __version__, **settings.model_dump(mode="json", exclude={"device"})}
        self.reasons: dict[int, str] = {}
        if path.exists():
            with contextlib.suppress(ValueError, KeyError, AttributeError):  # a damaged file tells nothing
                found = json.loads(path.read_text(encoding="utf-8"))
                if found["settings"] == self._settings:
                    self.reasons = {int(number): str(reason) for number, reason in found["exams"].items()}

    def add(self, number: int, reason: str) -> None:
        """Records the reason of an exam."""
        self.reasons[number] = reason
        content = {"settings": self._settings, "exams": {str(key): text for key, text in self.reasons.items()}}
        with staged_file(self._path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
