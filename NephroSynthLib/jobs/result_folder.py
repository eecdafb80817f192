"""The output folders of jobs: the images, the transform, the summary and the report of a result."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from NephroSynthLib.files.json_values import finite
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import OUTPUTS, REPORT, SUMMARY, TRANSFORM
from NephroSynthLib.files.staging import check_space, staged_folder
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.jobs.image_descriptions import describe_image
from NephroSynthLib.jobs.request import Summary
from NephroSynthLib.options import ImageFormat
from NephroSynthLib.progress import Progress

if TYPE_CHECKING:
    import SimpleITK as sitk

    from NephroSynthLib.result import Result
    from NephroSynthLib.settings import Settings


def save_result(result: Result, out: Path, overwrite: bool = False, images: ImageFormat = "nifti") -> Summary:
    """Writes all files of a run into a folder, which appears whole or not at all.

    Args:
        result: The run's result.
        out: The folder.
        overwrite: Whether an earlier result there may be replaced.
        images: The format of the images.

    Returns:
        The content of `result.json`.

    Raises:
        UsageError: If the folder is filled and may not be replaced.
        ResourceError: If the disk is full or not writable.
    """
    import SimpleITK as sitk

    from NephroSynthLib.report.report import write_report

    summary = result.summary()
    suffix, compress = (".nii.gz", True) if images == "nifti" else (".nrrd", False)
    with staged_folder(out, overwrite, OUTPUTS["run"]) as folder:
        for name, image in result.images().items():
            save_image(image, folder / f"{name}{suffix}", compress, describe_image(name, result.models))
        sitk.WriteTransform(result.registration.transform, str(folder / TRANSFORM))
        (folder / SUMMARY).write_text(summary.model_dump_json(indent=2), encoding="utf-8")
        write_report(result, folder / REPORT)
    return summary.model_dump(mode="json")


def check_stage_space(out: Path, image: sitk.Image, volumes: float) -> None:
    """Refuses the output folder of a stage on a disk with less room than its compressed images need.

    Args:
        out: The folder.
        image: An image on the grid of the images to write.
        volumes: The number of images in HU; a label map counts little.

    Raises:
        ResourceError: If there is less.
    """
    check_space(out, round(2 * math.prod(image.GetSize()) * volumes))


def save_stage(
    folder: Path,
    summary: Summary,
    images: Mapping[str, sitk.Image],
    progress: Progress,
    models: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Writes the images and the summary of a job that runs one stage, with the models that it used by stage."""
    saving = progress.stage("save")
    for index, (name, image) in enumerate(images.items()):
        saving.update(index / len(images), name)
        save_image(image, folder / f"{name}.nii.gz", description=describe_image(name, models or {}))
    (folder / SUMMARY).write_text(json.dumps(finite(summary), indent=2), encoding="utf-8")
    saving.update(1.0)


def provenance(settings: Settings, warnings: Sequence[str], notes: Sequence[str] = ()) -> Summary:
    """Returns the part of a stage's summary that tells how it was computed and how far to trust it."""
    from NephroSynthLib.models.device import device_used
    from NephroSynthLib.result import versions

    return {
        "schema_version": 1,
        "notice": RESEARCH_ONLY,
        "settings": settings.model_dump(mode="json"),
        "device": device_used(settings.device),
        "versions": versions(),
        "warnings": list(dict.fromkeys(warnings)),
        "notes": list(dict.fromkeys(notes)),
    }
