"""A folder with label maps of real patients, which may drive simulated exams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from NephroSynthLib.errors import Action, InputError
from NephroSynthLib.simulation.label_map import LabelMap
from NephroSynthLib.simulation.mapped_patient import can_drive
from NephroSynthLib.simulation.reference_grid import Grid

CLASSES = "classes.json"
SOURCE = "source.txt"
SUFFIX = ".nii.gz"
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
        return sorted(self.path.glob(f"*{SUFFIX}"))

    @property
    def source(self) -> str:
        """Source and licence of the maps in one line, from the optional file `source.txt`."""
        file = self.path / SOURCE
        return " ".join(file.read_text("utf-8").split()) if file.is_file() else ""

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of each map, by its name."""
        return {_name(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}

    def check(self, seeds: Iterable[int] = ()) -> None:
        """Checks that the folder can be used, and that the maps which some seeds choose can drive an exam.

        Args:
            seeds: Seeds of the exams to simulate.

        Raises:
            InputError: The folder holds no label map or no `classes.json`, or a map that a seed chooses cannot be
                read or shows no kidney or no lumbar vertebra.
        """
        if not self.files or not (self.path / CLASSES).is_file():
            raise InputError(
                f"{self.path} does not hold label maps (*{SUFFIX}) and their {CLASSES}.", Action.GIVE_ANATOMIES
            )
        for path in sorted({path for seed in seeds if (path := self._chosen(seed))}):
            if not can_drive(self._read(path)):
                raise InputError(
                    f"The label map {path} shows no kidney or no lumbar vertebra, so no exam can be made of it.",
                    Action.GIVE_ANATOMIES,
                )

    def choose(self, seed: int) -> LabelMap | None:
        """Returns the patient that drives the exam of a seed; None for the seeds whose patient is drawn.

        Raises:
            InputError: The map cannot be read.
        """
        path = self._chosen(seed)
        return None if path is None else self._read(path)

    def name(self, seed: int) -> str:
        """Returns the name of the map that a seed chooses; empty for the seeds whose patient is drawn."""
        path = self._chosen(seed)
        return "" if path is None else _name(path)

    def _chosen(self, seed: int) -> Path | None:
        rng = np.random.default_rng((seed, 5))
        files = self.files
        index = int(rng.integers(len(files)))
        return files[index] if rng.random() < REAL_SHARE else None

    def _read(self, path: Path) -> LabelMap:
        return read_label_map(path, self.path / CLASSES)


def _name(path: Path) -> str:
    return path.name.removesuffix(SUFFIX)


@lru_cache(maxsize=2)
def read_label_map(path: Path, classes: Path) -> LabelMap:
    """Reads a label map.

    The axes are turned to the nearest axes of LPS. A slight tilt of the scan is left out, because it does not change
    the patient's shape.

    Args:
        path: The map, a 3D image of whole numbers from 0 to 255.
        classes: JSON with the value of each class name.

    Raises:
        InputError: The map or the classes cannot be read.
    """
    try:
        image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
        labels = sitk.GetArrayFromImage(image)
        if labels.ndim != 3 or labels.min() < 0 or labels.max() > 255:
            raise ValueError("not a 3D image of values from 0 to 255")
        x, y, z = image.GetSpacing()
        ox, oy, oz = image.GetOrigin()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path} is damaged, or no label map.", Action.GIVE_ANATOMIES) from error
    names = _read_classes(classes)
    return LabelMap(labels.astype(np.uint8), names, Grid(labels.shape, (x, y, z), (ox, oy, oz)))


def _read_classes(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(value) for name, value in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not give the value of each class.", Action.GIVE_ANATOMIES) from error
