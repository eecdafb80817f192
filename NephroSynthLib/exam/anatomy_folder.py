"""A folder with label maps of real patients, which may drive simulated exams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, InputError
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.reference_grid import Grid

CLASSES = "classes.json"
REAL_SHARE = 0.5
"""Share of the seeds whose exam is driven by a real patient."""


@dataclass(frozen=True)
class AnatomyFolder:
    """Label maps `*.nii.gz` and `classes.json`, which gives the value of each TotalSegmentator class.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def files(self) -> list[Path]:
        """The label maps, in the order of their names."""
        return sorted(self.path.glob("*.nii.gz"))

    def check(self) -> None:
        """Checks that the folder can be used, without reading the maps.

        Raises:
            InputError: The folder holds no label map or no `classes.json`.
        """
        if not self.files or not (self.path / CLASSES).is_file():
            raise InputError(
                f"{self.path} does not hold label maps (*.nii.gz) and their {CLASSES}.", Action.GIVE_ANATOMIES
            )

    def choose(self, seed: int) -> LabelMap | None:
        """Returns the patient that drives the exam of a seed; None for the seeds whose patient is drawn."""
        rng = np.random.default_rng((seed, 5))
        files = self.files
        index = int(rng.integers(len(files)))
        return read_label_map(files[index], self.path / CLASSES) if rng.random() < REAL_SHARE else None


@lru_cache(maxsize=2)
def read_label_map(path: Path, classes: Path) -> LabelMap:
    """Reads a label map.

    The axes are turned to the nearest axes of LPS. A slight tilt of the scan is left out, because it does not change
    the patient's shape.

    Args:
        path: The map, a 3D image of integers.
        classes: JSON with the value of each class name.
    """
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    x, y, z = image.GetSpacing()
    labels = sitk.GetArrayFromImage(image).astype(np.uint8)
    ox, oy, oz = image.GetOrigin()
    return LabelMap(labels, json.loads(classes.read_text("utf-8")), Grid(labels.shape, (x, y, z), (ox, oy, oz)))
