"""The jobs of the worker process that Slicer's panel alone asks for: what this machine offers, and an exam to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from NephroSynthLib.files import save_image, staged_folder
from NephroSynthLib.progress import Progress

Summary = dict[str, Any]

SAMPLE_FIELD_OF_VIEW_MM = (358.4, 313.6, 200.0)
SAMPLE_SPACING_MM = (1.4, 1.4, 2.5)


def inventory(progress: Progress) -> Summary:
    """The devices of this machine with their free memory in bytes, and the bundled models with what they say of themselves.

    Returns:
        `devices`: name as in the setting `device`, title, free memory; `models`: as the job `models` describes them.
    """
    from NephroSynthLib.jobs import models

    listed = models(progress.part(0.0, 0.9), action="list")
    progress.stage("read").update(0.9, "Devices")
    return {"devices": _devices(), "models": listed["models"], "warnings": []}


def sample(
    progress: Progress, *, out: str, seed: int, spacing: Sequence[float] = SAMPLE_SPACING_MM, overwrite: bool = False
) -> Summary:
    """The three phases of a simulated exam as uncompressed NRRD files.

    Args:
        progress: Told about the simulation; may cancel.
        out: The folder to make.
        seed: Of the exam.
        spacing: Voxel size x, y, z in mm of the non-contrast phase; its field of view is always the same.
        overwrite: Replace an earlier one.
    """
    from NephroSynthLib.simulated_files import NOTICE, PHASES, SimulatedFiles
    from NephroSynthLib.simulation import Grid

    size = tuple(round(extent / step) for extent, step in zip(SAMPLE_FIELD_OF_VIEW_MM, spacing, strict=True))
    origin = tuple(-(count - 1) / 2 * step for count, step in zip(size, spacing, strict=True))
    grid = Grid((size[2], size[1], size[0]), (spacing[0], spacing[1], spacing[2]), (origin[0], origin[1], origin[2]))
    whole = replace(progress, stage_name="simulate")
    simulated = SimulatedFiles.simulate(seed, whole.part(0.0, 0.8), grid)
    with staged_folder(Path(out), overwrite, tuple(f"{phase}.nrrd" for phase in PHASES)) as folder:
        for index, phase in enumerate(PHASES):
            whole.update(0.8 + 0.2 * index / len(PHASES), f"Writing the {phase} phase")
            save_image(simulated.images[phase], folder / f"{phase}.nrrd", compress=False)
    whole.update(1.0)
    return {"phases": {phase: str(Path(out) / f"{phase}.nrrd") for phase in PHASES}, "notice": NOTICE, "warnings": []}


def _devices() -> list[Summary]:
    import torch

    from NephroSynthLib.device import free_memory

    found = [{"name": "cpu", "title": "CPU", "free_bytes": free_memory(torch.device("cpu"))}]
    if torch.backends.mps.is_available():
        found.insert(0, {"name": "mps", "title": "Apple GPU", "free_bytes": free_memory(torch.device("mps"))})
    for index in reversed(range(torch.cuda.device_count())):
        title, free = torch.cuda.get_device_name(index), free_memory(torch.device("cuda", index))
        found.insert(0, {"name": f"cuda:{index}", "title": title, "free_bytes": free})
    return found
