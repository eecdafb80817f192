"""The jobs of the worker process that Slicer's panel alone asks for: what this machine offers, and an exam to try."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from NephroSynthLib.files.outputs import READY, SUMMARY
from NephroSynthLib.files.staging import staged_folder
from NephroSynthLib.imaging.image_files import save_image
from NephroSynthLib.progress import Progress

Summary = dict[str, Any]

SAMPLE_FIELD_OF_VIEW_MM = (358.4, 313.6, 200.0)


def inventory(progress: Progress) -> Summary:
    """What a run can be told to use: the devices of this machine and the bundled models.

    Returns:
        `devices`: name as in the setting `device`, title, bytes free; `models`: as the job `models` describes them.
    """
    from NephroSynthLib.jobs.registry import models

    listed = models(progress.part(0.0, 0.9), action="list")
    progress.stage("read").update(0.9, "Devices")
    return {"devices": _devices(), "models": listed["models"], "warnings": []}


def sample(progress: Progress, *, out: str, seed: int, spacing: Sequence[float], overwrite: bool = False) -> Summary:
    """The three phases of a simulated exam as uncompressed NRRD files, and in `dicom` as series of one study.

    Args:
        progress: Told about the simulation; may cancel.
        out: The folder to make.
        seed: Of the exam.
        spacing: Voxel size x, y, z in mm of the non-contrast phase; its field of view is always the same.
        overwrite: Replace an earlier one.
    """
    from NephroSynthLib.jobs.simulated_files import NOTICE, PHASES, SimulatedFiles
    from NephroSynthLib.simulation import Grid

    size = tuple(round(extent / step) for extent, step in zip(SAMPLE_FIELD_OF_VIEW_MM, spacing, strict=True))
    origin = tuple(-(count - 1) / 2 * step for count, step in zip(size, spacing, strict=True))
    grid = Grid((size[2], size[1], size[0]), (spacing[0], spacing[1], spacing[2]), (origin[0], origin[1], origin[2]))
    whole = replace(progress, stage_name="simulate")
    simulated = SimulatedFiles.simulate(seed, whole.part(0.0, 0.8), grid)
    with staged_folder(Path(out), overwrite, (*(f"{phase}.nrrd" for phase in PHASES), "dicom")) as folder:
        for phase in PHASES:
            save_image(simulated.images[phase], folder / f"{phase}.nrrd", compress=False)
        simulated.write_phases(folder / "dicom", "dicom", whole.part(0.8, 1.0))
    whole.update(1.0)
    return {"phases": {phase: str(Path(out) / f"{phase}.nrrd") for phase in PHASES}, "notice": NOTICE, "warnings": []}


def export_result(
    progress: Progress,
    *,
    source: str,
    out: str,
    nrrd: bool,
    nifti: bool,
    dicom_source: str | None = None,
    dicom_series: str | None = None,
    dicom_excretory: str | None = None,
    dicom_excretory_series: str | None = None,
    deidentify: bool = False,
) -> Summary:
    """Writes what is exported of a result into a new folder, which appears whole or not at all.

    Args:
        progress: Told about each file; may cancel.
        source: Folder with the images of a run as NRRD, its `result.json`, and the folder `ready` with files that are
            exported as they are.
        out: The folder to make.
        nrrd: Whether compressed NRRD is wanted.
        nifti: Whether compressed NIfTI is wanted.
        dicom_source: Folder with the DICOM files of the non-contrast series; None exports no DICOM.
        dicom_series: That series' UID, where it is known.
        dicom_excretory: Folder with the DICOM files of the excretory series, if it is known.
        dicom_excretory_series: That series' UID, where it is known.
        deidentify: Remove all identifiers from the DICOM files.
    """
    from NephroSynthLib.jobs.dicom_jobs import export_dicom

    folder = Path(source)
    suffixes = [suffix for suffix, wanted in ((".nrrd", nrrd), (".nii.gz", nifti)) if wanted]
    saving, warnings = progress.stage("save"), []
    with staged_folder(Path(out)) as target:
        for file in (folder / READY).iterdir():
            shutil.move(file, target / file.name)
        if suffixes:
            _save_as(suffixes, folder, target, saving.part(0.0, 0.5))
            shutil.copyfile(folder / SUMMARY, target / SUMMARY)
        if dicom_source is not None:
            kidneys = folder / "kidneys.nrrd"
            exported = export_dicom(
                saving.part(0.5, 1.0),
                volume=str(folder / "synthetic_nephrographic.nrrd"),
                source=dicom_source,
                out=str(target / "dicom"),
                kidneys=str(kidneys) if kidneys.exists() else None,
                noncontrast_series=dicom_series,
                excretory=dicom_excretory,
                excretory_series=dicom_excretory_series,
                deidentify=deidentify,
            )
            warnings = exported["warnings"]
    return {"out": out, "warnings": warnings}


def _save_as(suffixes: Sequence[str], folder: Path, target: Path, progress: Progress) -> None:
    import SimpleITK as sitk

    images = sorted(folder.glob("*.nrrd"))
    for index, path in enumerate(images):
        image = sitk.ReadImage(str(path))
        for suffix in suffixes:
            progress.update(index / len(images), f"Writing {path.stem}{suffix}")
            save_image(image, target / f"{path.stem}{suffix}")


def _devices() -> list[Summary]:
    import torch

    from NephroSynthLib.models.device import free_memory

    found = [{"name": "cpu", "title": "CPU", "free_bytes": free_memory(torch.device("cpu"))}]
    if torch.backends.mps.is_available():
        found.insert(0, {"name": "mps", "title": "Apple GPU", "free_bytes": free_memory(torch.device("mps"))})
    for index in reversed(range(torch.cuda.device_count())):
        title, free = torch.cuda.get_device_name(index), free_memory(torch.device("cuda", index))
        found.insert(0, {"name": f"cuda:{index}", "title": title, "free_bytes": free})
    return found
