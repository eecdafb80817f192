"""The names of all methods, and the way from a name or a bundle to a method.

Importing this file loads neither torch nor any method.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from NephroSynthLib.errors import Action, ModelError, UsageError

if TYPE_CHECKING:
    import torch

    from NephroSynthLib.methods.method import Method, TrainableMethod
    from NephroSynthLib.models.bundle import ModelBundle


class Entry(NamedTuple):
    """Where a method is, as 'module:class', and whether `nephrosynth train synthesis --method NAME` trains it."""

    where: str
    trainable: bool


_ROOM = "NephroSynthLib.methods"

METHODS: dict[str, Entry] = {
    "dssnict": Entry(f"{_ROOM}.dssnict:DsSnict", trainable=True),
    "mt-ddpm": Entry(f"{_ROOM}.mt_ddpm:MtDdpm", trainable=True),
    "ddim-image-2d": Entry(f"{_ROOM}.ddim:DdimImage2D", trainable=True),
    "ddim-noise-2d": Entry(f"{_ROOM}.ddim:DdimNoise2D", trainable=True),
    "ddim-image-3d": Entry(f"{_ROOM}.ddim:DdimImage3D", trainable=True),
    "ddim-noise-3d": Entry(f"{_ROOM}.ddim:DdimNoise3D", trainable=True),
    "ascii-2": Entry(f"{_ROOM}.ascii:Ascii2", trainable=True),
    "ascii-3": Entry(f"{_ROOM}.ascii:Ascii3", trainable=True),
    "ic-net": Entry(f"{_ROOM}.ic_net:IcNet", trainable=True),
    "pix2pix-2d": Entry(f"{_ROOM}.pix2pix:Pix2Pix2D", trainable=True),
    "pix2pix-3d": Entry(f"{_ROOM}.pix2pix:Pix2Pix3D", trainable=True),
    "cut": Entry(f"{_ROOM}.cut:Cut", trainable=True),
    "syndiff": Entry(f"{_ROOM}.syndiff:SynDiff", trainable=True),
    "regression-2d": Entry(f"{_ROOM}.regression:Regression2D", trainable=True),
    "regression-3d": Entry(f"{_ROOM}.regression:Regression3D", trainable=True),
    "kinetic": Entry(f"{_ROOM}.kinetic:Kinetic", trainable=False),
    "excretory": Entry(f"{_ROOM}.excretory:Excretory", trainable=False),
}
"""Every method by name. A new method is one more line."""


def trainable_method(name: str) -> type[TrainableMethod]:
    """Returns the class of a method that can be trained.

    Raises:
        UsageError: No such method can be trained.
    """
    known = [method for method, entry in METHODS.items() if entry.trainable]
    if name not in known:
        raise UsageError(f"The method '{name}' cannot be trained; these can: {', '.join(known)}.")
    return cast("type[TrainableMethod]", _load(name))


def floor_method(name: str) -> Method:
    """Returns a method that has nothing to learn.

    Raises:
        UsageError: No such method does without a model.
    """
    known = [method for method, entry in METHODS.items() if not entry.trainable]
    if name not in known:
        raise UsageError(f"The method '{name}' needs a model; these need none: {', '.join(known)}.")
    return _load(name)()


def restore_method(bundle: ModelBundle, device: torch.device | str) -> Method:
    """Returns the method of a synthesis bundle, ready to translate, on a device.

    Args:
        bundle: A bundle of the task 'synthesis'.
        device: Where its network runs.

    Raises:
        ModelError: The method is unknown, or the bundle does not fit it.
    """
    name = bundle.metadata.method
    if name not in METHODS:
        raise ModelError(
            f"The model {bundle.metadata.name} uses the method '{name}', which this NephroSynth does not have"
            f" (it has {', '.join(METHODS)}).",
            Action.UPDATE,
        )
    method = _load(name)
    if bundle.metadata.window_hu != method.window_hu:
        raise ModelError(
            f"The model {bundle.metadata.name} works in the window {_in_words(bundle.metadata.window_hu)}, the method"
            f" '{name}' in {_in_words(method.window_hu)}.",
            Action.CHOOSE_MODEL,
        )
    return method.restore(bundle, device)


def verify_bundle(name_or_path: Path | str) -> ModelBundle:
    """Reads a bundle, builds its network and runs it once on a small volume.

    Args:
        name_or_path: Name of a bundled model, or a path.

    Raises:
        ModelError: The bundle is unknown or damaged, does not fit its method, or gives values that are not finite.

    Example:
        >>> verify_bundle("kidney-segmenter").metadata.task
        'segmentation'
    """
    import numpy as np

    from NephroSynthLib.kinetics.enhancement import COMPARTMENTS
    from NephroSynthLib.methods.method import Case, Contrast
    from NephroSynthLib.models.bundle import load_bundle
    from NephroSynthLib.models.swin_diffusion import gives_finite, restore_denoiser
    from NephroSynthLib.progress import Progress
    from NephroSynthLib.settings import SynthesisSettings

    bundle = load_bundle(name_or_path)
    if bundle.metadata.task == "segmentation":
        finite = gives_finite(restore_denoiser(bundle, "cpu"))
    else:
        water = np.zeros((4, 16, 16), np.float32)
        method = restore_method(bundle, "cpu")
        flat = Contrast(np.full(len(COMPARTMENTS), 50.0), np.full(len(COMPARTMENTS), 100.0))
        case = Case(water, water, (1.0, 1.0, 1.0), flat)
        hu = method.translate(case, SynthesisSettings(steps=1), 0, Progress())
        finite = bool(np.isfinite(hu).all())
    if not finite:
        raise ModelError(f"The model file {bundle.path} gives values that are not finite.", Action.GET_MODEL_AGAIN)
    return bundle


def _load(name: str) -> type[Method]:
    module, _, kind = METHODS[name].where.partition(":")
    return cast("type[Method]", getattr(import_module(module), kind))


def _in_words(window: tuple[float, float]) -> str:
    return f"[{window[0]:g}, {window[1]:g}] HU"
