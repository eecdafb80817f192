"""The jobs that simulate exams: `simulate` for the command line, `sample` for Slicer's panel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.files.outputs import OUTPUTS
from NephroSynthLib.files.staging import check_space, staged_folder
from NephroSynthLib.jobs.request import Flag, Summary, WritingRequest
from NephroSynthLib.options import PhaseFormat
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field

SAMPLE_FIELD_OF_VIEW_MM = (358.4, 313.6, 200.0)
_SAMPLE_SPACING_MM = (1.4, 1.4, 2.5)
_BYTES_PER_EXAM = 90_000_000
"""A usual simulated exam on the disk, with its truth."""


class SimulateRequest(WritingRequest):
    """Simulates CT urography exams with known truth."""

    seed: int = field(options.EXAM_SEED)
    count: int = field(options.EXAM_COUNT)
    file_format: Annotated[PhaseFormat, Flag(name="format")] = field(options.PHASE_FORMAT)
    anatomies: Path | None = field(options.ANATOMIES)


def simulate(request: SimulateRequest, progress: Progress) -> Summary:
    """Writes simulated exams with their truth, a folder for each.

    Raises:
        InputError: The folder of label maps cannot be used.
        ResourceError: The disk has less room than the exams need.
    """
    from NephroSynthLib.exam.anatomy_folder import AnatomyFolder
    from NephroSynthLib.jobs.simulated_files import SimulatedFiles

    whole = replace(progress, stage_name="simulate")
    seeds = range(request.seed, request.seed + request.count)
    names = [f"exam-{seed}" for seed in seeds]
    check_space(request.out, _BYTES_PER_EXAM * request.count)
    anatomies = None if request.anatomies is None else AnatomyFolder(request.anatomies)
    if anatomies:
        anatomies.check(seeds)
    with staged_folder(request.out, request.overwrite, OUTPUTS["simulate"]) as folder:
        for index, (seed, name) in enumerate(zip(seeds, names, strict=True)):
            part = whole.part(index / request.count, (index + 1) / request.count)
            simulated = SimulatedFiles.simulate(seed, part.part(0.0, 0.5), anatomies=anatomies)
            simulated.write_phases(folder / name, request.file_format, part.part(0.5, 0.7))
            simulated.write_truth(folder / name, request.file_format, part.part(0.7, 1.0))
    exams = [str(request.out / name) for name in names]
    return {"exams": exams, "seed": request.seed, "format": request.file_format, "warnings": []}


class SampleRequest(WritingRequest):
    """Simulates the three phases of one exam, as uncompressed NRRD files and as DICOM series of one study.

    Attributes:
        spacing: Voxel size x, y, z in mm of the non-contrast phase; its field of view is always the same.
    """

    seed: int = field(options.EXAM_SEED)
    spacing: tuple[float, float, float] = Field(_SAMPLE_SPACING_MM, description="Voxel size in mm.")


def sample(request: SampleRequest, progress: Progress) -> Summary:
    """Writes an exam to try the panel with.

    Returns:
        `phases`: the path of each phase's NRRD file; `notice`: that the exam is simulated.
    """
    from NephroSynthLib.imaging.image_files import save_image
    from NephroSynthLib.jobs.simulated_files import NOTICE, PHASES, SimulatedFiles
    from NephroSynthLib.simulation import Grid

    x, y, z = request.spacing
    columns, rows, slices = (
        round(extent / step) for extent, step in zip(SAMPLE_FIELD_OF_VIEW_MM, request.spacing, strict=True)
    )
    origin = (-(columns - 1) / 2 * x, -(rows - 1) / 2 * y, -(slices - 1) / 2 * z)
    grid = Grid((slices, rows, columns), (x, y, z), origin)
    whole = replace(progress, stage_name="simulate")
    simulated = SimulatedFiles.simulate(request.seed, whole.part(0.0, 0.8), grid)
    files = {phase: f"{phase}.nrrd" for phase in PHASES}
    with staged_folder(request.out, request.overwrite, (*files.values(), "dicom")) as folder:
        for phase, name in files.items():
            save_image(simulated.images[phase], folder / name, compress=False)
        simulated.write_phases(folder / "dicom", "dicom", whole.part(0.8, 1.0))
    whole.update(1.0)
    phases = {phase: str(request.out / name) for phase, name in files.items()}
    return {"phases": phases, "notice": NOTICE, "warnings": []}
