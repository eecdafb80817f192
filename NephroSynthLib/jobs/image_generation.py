"""The job `generate`: new synthetic CT from noise alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from NephroSynthLib import options
from NephroSynthLib.errors import Action, ModelError, UsageError
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import GENERATION, OUTPUTS
from NephroSynthLib.files.staging import check_space, staged_folder
from NephroSynthLib.jobs.request import ComputingRequest, Summary, WritingRequest
from NephroSynthLib.options import ImageFormat
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

if TYPE_CHECKING:
    from NephroSynthLib.generators.generator import Generator
    from NephroSynthLib.models.bundle import ModelBundle

VOLUME_SLICES = 24
"""Height of a volume where the user gives none."""
NOTICE = f"Synthetic CT, made by a network from noise. It shows no person. {RESEARCH_ONLY}"
_BYTES_PER_PIXEL = 4


class GenerateRequest(ComputingRequest, WritingRequest):
    """Makes new synthetic CT of the abdomen around the kidneys from noise alone, for research on augmentation."""

    method: str | None = field(options.GENERATOR)
    model: str | None = field(options.GENERATION_MODEL)
    count: int = field(options.GENERATED)
    slices: int | None = field(options.GENERATED_SLICES)
    steps: int | None = field(options.GENERATION_STEPS)
    images: ImageFormat = field(options.IMAGES)


def generate(request: GenerateRequest, progress: Progress) -> Summary:
    """Writes new images, and `generation.json` with the model and the seed of each.

    An image depends on the seed and on its number, not on how many there are.

    Returns:
        The content of that file: `method`, `title`, `model`, `sha256`, `learned_from`, `images` with the name and the
        seed of each, `slices`, `steps` (None for a method without), `notice`; and `warnings`.

    Raises:
        UsageError: If neither method nor model is given, the method is unknown or another than the model's, the image
            is taller than the method makes them, or steps are given that it does not take.
        ModelError: If there is no such model, or it is damaged or of another task.
    """
    bundle = _chosen_bundle(request)
    progress.stage("read").update(0.0, "Loading the generator")

    import numpy as np
    import SimpleITK as sitk

    from NephroSynthLib.generators.roster import restore_generator
    from NephroSynthLib.imaging.image_files import save_image
    from NephroSynthLib.models.device import resolve_device
    from NephroSynthLib.models.training_data import training_data
    from NephroSynthLib.synthesis.nephrographic import WORKING_SPACING

    generator = restore_generator(bundle, resolve_device(request.settings.device))
    slices, steps = _height(generator, request.slices), _steps(generator, request.steps)
    check_space(request.out, _BYTES_PER_PIXEL * slices * generator.crop[1] * generator.crop[2] * request.count)
    kind = "slice" if generator.most_slices == 1 else "volume"
    suffix, compress = (".nii.gz", True) if request.images == "nifti" else (".nrrd", False)
    description = f"Synthetic CT by NephroSynth ({generator.name}), no person. Research use only."
    made: list[dict[str, str | int]] = []
    working = replace(progress, stage_name="generate")
    with staged_folder(request.out, request.overwrite, OUTPUTS["generate"]) as folder:
        for index in range(request.count):
            part = working.part(index / request.count, (index + 1) / request.count)
            seed = int(np.random.SeedSequence((request.settings.seed, index)).generate_state(1)[0])
            image = sitk.GetImageFromArray(generator.generate(slices, steps or 1, seed, part))
            image.SetSpacing(WORKING_SPACING)
            name = f"synthetic_{kind}_{generator.name}_{index + 1:04d}{suffix}"
            save_image(image, folder / name, compress, description)
            made.append({"file": name, "seed": seed})
        record = {
            "notice": NOTICE,
            "method": generator.name,
            "title": generator.title,
            "model": bundle.metadata.name,
            "sha256": bundle.sha256,
            "learned_from": training_data(bundle.metadata.training).value,
            "seed": request.settings.seed,
            "slices": slices,
            "steps": steps,
            "images": made,
        }
        (folder / GENERATION).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return {**record, "warnings": []}


def _chosen_bundle(request: GenerateRequest) -> ModelBundle:
    """Returns the bundle of a model, or the one that is shipped for a method."""
    from NephroSynthLib.generators.roster import GENERATORS, generator_class
    from NephroSynthLib.models.bundle import list_bundles, load_bundle

    if request.method is None and request.model is None:
        raise UsageError(f"No generator is named; there are {', '.join(GENERATORS)}.", Action.TRAIN_GENERATOR)
    if request.method is not None:
        generator_class(request.method)
    shipped = f"{request.method}-generator"
    if request.model is None and shipped not in list_bundles():
        raise ModelError(f"No model of the generator '{request.method}' is shipped.", Action.TRAIN_GENERATOR)
    bundle = load_bundle(request.model or shipped, "generation")
    if request.method not in (None, bundle.metadata.method):
        raise UsageError(
            f"The model {bundle.metadata.name} is of the generator '{bundle.metadata.method}', not '{request.method}'.",
            Action.CHOOSE_MODEL,
        )
    return bundle


def _height(generator: Generator, wanted: int | None) -> int:
    most = generator.most_slices
    if wanted is None:
        return VOLUME_SLICES if most is None else most
    if most is not None and wanted > most:
        made = "single slices" if most == 1 else f"volumes of at most {most} slices"
        raise UsageError(f"The generator '{generator.name}' makes {made}.", Action.LOWER_SLICES)
    return wanted


def _steps(generator: Generator, wanted: int | None) -> int | None:
    """Returns the denoising steps that are taken; None for a generator that takes none."""
    if wanted is not None and generator.own_steps is None:
        raise UsageError(f"The generator '{generator.name}' makes an image in one call, without denoising steps.")
    return wanted or generator.own_steps
