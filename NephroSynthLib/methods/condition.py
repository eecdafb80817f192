"""The network inputs that methods make of two phases: condition channels and the context of the exam."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.imaging.window import UPPER_HU, to_window
from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
from NephroSynthLib.methods.method import Case, Contrast, Example, Sample
from NephroSynthLib.models.bundle import ModelBundle
from NephroSynthLib.networks.swin_denoiser import SwinDenoiserConfig

CONDITION_CHANNELS = 4
AMPLITUDES = len(COMPARTMENTS)
"""How many features of the context, the first ones, are the enhancement that the nephrographic phase is linear in."""
CONTEXT_FEATURES = 2 * AMPLITUDES

BRIGHTEST_HU = 3000.0
HU_OF_CONTEXT = 100.0
LEAST_ENHANCEMENT_HU = 20.0
RELATIVE_RANGE = (-1.0, 3.0)
KIDNEY_WEIGHT = 5.0

NORMALIZATION: Mapping[str, JsonValue] = {
    "channels": [
        "non-contrast window",
        "excretory window",
        "log excretory density beyond the window",
        "enhancement relative to the kidneys",
    ],
    "spacing_mm": "1.0 x 1.0 x 2.0, all exams are resampled to it",
    "context": "nephrographic and excretory enhancement of each compartment in 100 HU",
}
"""The inputs of methods that take `condition_channels` and `exam_context`, for people."""

BOTH_WINDOWS: Mapping[str, JsonValue] = {"channels": ["non-contrast window", "excretory window"]}
"""The inputs of methods that take `both_windows`, for people."""


def check_inputs(bundle: ModelBundle, network: SwinDenoiserConfig, own: SwinDenoiserConfig) -> None:
    """Refuses a bundle whose network takes other inputs than its method gives.

    Args:
        bundle: Names the model.
        network: The network of the bundle.
        own: A network that takes the inputs of the method.

    Raises:
        ModelError: If the inputs differ.
    """
    given, wanted = (
        (one.image_channels, one.condition_channels, one.context_features, one.amplitudes) for one in (network, own)
    )
    if given != wanted:
        model = bundle.metadata
        raise ModelError(
            f"The model {model.name} takes other inputs than its method '{model.method}' gives here.",
            Action.CHOOSE_MODEL,
        )


def condition_channels(case: Case) -> NDArray[np.float32]:
    """Returns the condition of two aligned phases.

    Args:
        case: The two phases and their contrast.

    Returns:
        Shape (4, z, y, x): both phases in the window 400/50, in [-1, 1]; the density of excreted contrast beyond the
        window on a logarithmic scale, in [-1, 1]; and the enhancement relative to that of the kidneys, in [-1, 3],
        which depends on the tissue and hardly on the dose, the delay or the patient.
    """
    beyond = np.clip(case.excretory - UPPER_HU, 0, BRIGHTEST_HU - UPPER_HU)
    dense = 2 * np.log1p(beyond / UPPER_HU) / np.log(BRIGHTEST_HU / UPPER_HU) - 1
    cortex, medulla = (case.contrast.excretory[COMPARTMENTS.index(name)] for name in ("cortex", "medulla"))
    relative = (case.excretory - case.noncontrast) / max(float(cortex + medulla) / 2, LEAST_ENHANCEMENT_HU)
    windows = to_window(case.noncontrast), to_window(case.excretory)
    return np.stack([*windows, dense, relative.clip(*RELATIVE_RANGE)]).astype(np.float32)


def both_windows(case: Case) -> NDArray[np.float32]:
    """Returns both phases in the window 400/50, in [-1, 1], (2, z, y, x)."""
    return np.stack([to_window(case.noncontrast), to_window(case.excretory)]).astype(np.float32)


def exam_context(contrast: Contrast) -> NDArray[np.float32]:
    """Returns the context of an exam as a whole: the enhancement of each compartment in hundreds of HU.

    Returns:
        Shape (10,), float32: first the nephrographic phase, then the excretory phase.
    """
    return np.concatenate([contrast.nephrographic, contrast.excretory]).astype(np.float32) / HU_OF_CONTEXT


def windowed_sample(example: Example) -> Sample:
    """Returns the image in the window 400/50, in [-1, 1], with condition, context and a weight for each voxel."""
    case = example.case
    return {
        "image": to_window(example.nephrographic)[None].astype(np.float32),
        "condition": condition_channels(case),
        "context": exam_context(case.contrast),
        "weight": (1 + (KIDNEY_WEIGHT - 1) * (example.kidneys > 0.25))[None].astype(np.float32),
    }


def unpaired_sample(example: Example) -> Sample:
    """Returns the image in the window 400/50, in [-1, 1], and both phases in it, for methods that shuffle them."""
    image = to_window(example.nephrographic)[None].astype(np.float32)
    return {"image": image, "condition": both_windows(example.case)}
