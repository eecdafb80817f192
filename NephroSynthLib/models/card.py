"""The model card of a bundle, as Markdown, from the bundle's own metadata.

`python -m NephroSynthLib.models.card [MODEL ...] [--out Resources/ModelCards]` writes a card for each named model, or
for each bundled one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.models.bundle import ModelBundle, Task, list_bundles, load_bundle
from NephroSynthLib.models.training_data import STARTED_FROM, TrainingData, training_data

CARDS = Path("Resources/ModelCards")

_USE: Mapping[Task, str] = {
    "segmentation": (
        "Finds the kidneys in a CT of the abdomen of an adult, with or without contrast medium, so that each can be"
        " registered on its own and the synthesis knows where to work. It is no tool to measure kidneys or lesions."
    ),
    "synthesis": (
        "Synthesizes the nephrographic phase around the kidneys from the non-contrast and the registered excretory"
        " phase of one CT urography exam of an adult, for research on whether that phase need be acquired."
    ),
    "generation": (
        "Makes new CT of the abdomen around the kidneys, in the nephrographic phase, from noise alone, for research on"
        " the augmentation of training data. Its images are synthetic and show no person."
    ),
}
_LIMITS: Mapping[Task, tuple[str, ...]] = {
    "segmentation": (
        "It was not trained for transplanted, dysplastic or polycystic kidneys, or for children.",
        "It may leave large masses and cysts out of a kidney, and include loops of bowel beside it. Check the outlines,"
        " or give a segmentation that you trust.",
    ),
    "synthesis": (
        "It can hide a lesion, or show one that is not there. It cannot know a finding that neither phase shows.",
        "The enhancement of a kidney is an estimate. HU of the synthetic phase are no measurement.",
        "A wrong registration makes a wrong synthesis. Look at the registration check first.",
    ),
    "generation": (
        "Its anatomy is invented. It can repeat exams that it learned from, and lack rare findings.",
        "A network that learns from its images learns its errors too. Judge that network on acquired exams.",
        "Mark its images as synthetic wherever you pass them on.",
    ),
}
_LEARNED_FROM: Mapping[TrainingData, str] = {
    TrainingData.SIMULATED: (
        "Trained on simulated exams alone. No figure here was measured on a patient. Its use on real CT must be tested"
        " on real exams before anyone relies on it."
    ),
    TrainingData.COHORT: (
        "Trained, in part or in whole, on a cohort that its maker prepared. It may fail on exams unlike that cohort."
    ),
    TrainingData.UNKNOWN: "Its bundle does not state the exams of each training. It may fail on any exam.",
}
_JUDGED = "Measured on exams that no training has used (`Documentation/Training.md`)."
_UNJUDGED = "The bundle states no figures."
_UNITS = {"db": "dB", "hu": "HU", "mm": "mm", "ml": "ml"}
_CAPITALS = {
    "fid": "FID",
    "bmmd2": "bMMD²",
    "fds": "FDS",
    "ds": "DS",
    "ms": "MS",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "mae": "MAE",
    "dice": "Dice",
    "tre": "TRE",
}


def model_card(bundle: ModelBundle) -> str:
    """Returns the card of a bundle.

    Args:
        bundle: A bundle from `load_bundle`.

    Returns:
        Markdown: intended use, limits, architecture, training, results, licence and digest.
    """
    metadata = bundle.metadata
    limits = [_LEARNED_FROM[training_data(metadata.training)], *_LIMITS[metadata.task]]
    sections = (
        f"# {metadata.name}",
        f"**{RESEARCH_ONLY}**",
        "## Intended use",
        _USE[metadata.task],
        "## Limits",
        "\n".join(f"- {limit}" for limit in limits),
        "## Model",
        _table(_model(bundle)),
        "## Training",
        _table(_flat({k: v for k, v in metadata.training.items() if k != STARTED_FROM}, code=("command",))),
        *_earlier_runs(metadata.training),
        "## Results",
        _JUDGED if any(isinstance(value, int | float | dict) for value in metadata.results.values()) else _UNJUDGED,
        _table(_flat(metadata.results)),
        "## Licence and identity",
        _table((("licence", metadata.licence), ("sha256", f"`{bundle.sha256}`"))),
        f"Written by `python -m NephroSynthLib.models.card {metadata.name}`; do not edit.",
    )
    return "\n\n".join(sections) + "\n"


def write_cards(names: Sequence[str] = (), folder: Path = CARDS) -> list[Path]:
    """Writes the cards of some models, or of all that are bundled.

    Args:
        names: Names of bundled models, or paths of bundles; none for all that are bundled.
        folder: Target folder; a card is named after its model.

    Returns:
        The files.

    Raises:
        ModelError: A bundle is unknown or damaged. No card is written then.
        ResourceError: The folder cannot be written.
    """
    bundles = [load_bundle(name) for name in names or list_bundles()]
    paths = []
    for bundle in bundles:
        path = folder / f"{bundle.metadata.name}.md"
        with staged_file(path) as temporary:
            temporary.write_text(model_card(bundle), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def _earlier_runs(training: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yields the runs whose weights this one began with, the latest first."""
    runs = []
    run = training.get(STARTED_FROM)
    while isinstance(run, dict):
        amounts = [f"{run[name]} {unit}" for name, unit in (("steps", "steps"), ("hours", "hours")) if name in run]
        rest = [str(run[name]) for name in ("data", "hardware", "date", "note") if name in run]
        runs.append(f"- `{run.get('command')}`: {'; '.join([*amounts, *rest])}; sha256 `{run.get('sha256')}`")
        run = run.get(STARTED_FROM)
    if runs:
        yield "It began with the weights of earlier runs, the latest first:"
        yield "\n".join(runs)


def _model(bundle: ModelBundle) -> Iterator[tuple[str, str]]:
    metadata = bundle.metadata
    yield "method", metadata.title
    yield "weights", f"{sum(tensor.numel() for tensor in bundle.tensors.values()):,}"
    yield "window (HU)", f"{metadata.window_hu[0]:g} to {metadata.window_hu[1]:g}"
    yield from _flat(metadata.normalization)
    yield from _flat(metadata.configuration)


def _flat(values: Mapping[str, JsonValue], code: Sequence[str] = (), before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        label = before + _label(name)
        if isinstance(value, dict):
            yield from _flat(value, code, f"{label}: ")
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value))
        else:
            yield label, f"`{value}`" if name in code else str(value)


def _label(name: str) -> str:
    *words, last = name.split("_")
    unit = _UNITS.get(last) if words else None
    spelled = " ".join(_CAPITALS.get(word, word) for word in (words if unit else [*words, last]))
    return f"{spelled} ({unit})" if unit else spelled


def _table(rows: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> str:
    lines = [f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in rows]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def _main() -> None:
    parser = argparse.ArgumentParser(description="Writes the model cards of bundles as Markdown.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="name of a bundled model, or a .safetensors bundle")
    parser.add_argument("--out", type=Path, default=CARDS, help="folder for the cards (default: %(default)s)")
    arguments = parser.parse_args()
    for path in write_cards(arguments.models, arguments.out):
        print(path)


if __name__ == "__main__":
    _main()
