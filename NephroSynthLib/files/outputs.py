"""The files that each command writes to its output folder. A folder that holds other files is never replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TRANSFORM = "excretory_to_noncontrast.h5"
INVERSE_TRANSFORM = "noncontrast_to_excretory.h5"
MOVED_POINTS = "points"
SUMMARY = "result.json"
GENERATION = "generation.json"
"""The record of new images: the model, the seeds, the files."""
REPORT = "report.html"
READY = "ready"
"""Name of the folder with finished files, in the folder that Slicer's panel prepares for an export."""
_SUFFIXES = (".nii.gz", ".nrrd")


SYNTHETIC = "synthetic_nephrographic"
OTHER_IMAGES = ("excretory_registered", "acquired_registered", "kidneys", "uncertainty")
"""The names of the images of a run, except the synthetic one."""


def _images(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{suffix}" for name in names for suffix in _SUFFIXES)


_RUN = (
    *_images(SYNTHETIC, *OTHER_IMAGES),
    TRANSFORM,
    SUMMARY,
    REPORT,
)
OUTPUTS: Mapping[str, Sequence[str]] = {
    "run": _RUN,
    "demo": (*_RUN, "exam"),
    "simulate": ("exam-*",),
    "register": (*_images("excretory_registered"), TRANSFORM, SUMMARY),
    "segment": (*_images("kidneys"), SUMMARY),
    "synthesize": (*_images(SYNTHETIC, "uncertainty"), SUMMARY),
    "transform": (
        *(f"{name}.nii.gz" for name in ("volume", "labels", "jacobian", "displacement")),
        *(f"{MOVED_POINTS}{suffix}" for suffix in (".mrk.json", ".csv")),
        INVERSE_TRANSFORM,
        SUMMARY,
    ),
    "generate": ("synthetic_slice_*", "synthetic_volume_*", GENERATION),
    "export-dicom": ("synthetic_nephrographic", "kidneys.dcm"),
}
