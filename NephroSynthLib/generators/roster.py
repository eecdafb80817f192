"""The names of all generators, and the way from a name or a bundle to a generator.

Importing this file loads neither torch nor any generator.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from NephroSynthLib.errors import Action, ModelError, UsageError

if TYPE_CHECKING:
    import torch

    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.models.bundle import ModelBundle

_ROOM = "NephroSynthLib.generators"

GENERATORS: dict[str, str] = {
    "mt-ddpm": f"{_ROOM}.mt_ddpm_generator:MtDdpmGenerator",
    "ascii-2": f"{_ROOM}.ascii_generator:Ascii2Generator",
    "ascii-3": f"{_ROOM}.ascii_generator:Ascii3Generator",
    "wgan-gp": f"{_ROOM}.wgan_gp:WganGp",
    "pggan": f"{_ROOM}.progressive_gan:ProgressiveGan",
    "stylegan": f"{_ROOM}.style_gan:StyleGan",
    "slice-vae": f"{_ROOM}.slice_vae:SliceVae",
}
"""Every generator by name, as 'module:class'. A new generator is one more line."""


def generator_class(name: str) -> type[Generator]:
    """Returns the class of a generator.

    Raises:
        UsageError: There is no such generator.
    """
    if name not in GENERATORS:
        raise UsageError(f"There is no generator '{name}'; there are {', '.join(GENERATORS)}.")
    module, _, kind = GENERATORS[name].partition(":")
    return cast("type[Generator]", getattr(import_module(module), kind))


def restore_generator(bundle: ModelBundle, device: torch.device | str) -> Generator:
    """Returns the generator of a bundle of the task 'generation', on a device.

    Raises:
        ModelError: The generator is unknown, or the bundle does not fit it.
    """
    name = bundle.metadata.method
    if name not in GENERATORS:
        raise ModelError(
            f"The model {bundle.metadata.name} uses the generator '{name}', which this NephroSynth does not have"
            f" (it has {', '.join(GENERATORS)}).",
            Action.UPDATE,
        )
    return generator_class(name).restore(bundle, device)


def verify_generator(name_or_path: Path | str) -> ModelBundle:
    """Reads a bundle of the task 'generation', builds its network and makes a slice with it.

    Args:
        name_or_path: Name of a bundled model, or a path.

    Raises:
        ModelError: The bundle is unknown, damaged or of another task, does not fit its generator, or gives values that
            are not finite.
    """
    import numpy as np

    from NephroSynthLib.models.bundle import load_bundle
    from NephroSynthLib.progress import Progress

    bundle = load_bundle(name_or_path, "generation")
    if not np.isfinite(restore_generator(bundle, "cpu").generate(1, 1, 0, Progress())).all():
        raise ModelError(f"The model file {bundle.path} gives values that are not finite.", Action.GET_MODEL_AGAIN)
    return bundle
