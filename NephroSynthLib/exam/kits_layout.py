"""The kidney tumour data sets KiTS19, KiTS21 and KiTS23, laid out as their authors publish them.

Each case is a folder `case_00000` with `imaging.nii.gz` and a label map: 1 kidney, 2 tumour, 3 cyst (KiTS19 has no 3).
The label map is `segmentation.nii.gz` in KiTS19 and KiTS23. KiTS21 has three, which join three annotators by majority
(`aggregated_MAJ_seg.nii.gz`), intersection (AND) and union (OR). The challenge's test cases have none. The cases lie in
`data` (KiTS19), `kits21/data` (KiTS21) or `dataset` (KiTS23). The NIfTI files store the slices along the first axis.

Sources: Heller et al., arXiv 1904.00445 (KiTS19) and arXiv 2307.01984 (KiTS21); the README of each data set.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

IMAGE, KITS_LABELS = "imaging", "KiTS label map"
"""Names of the two files of a case, whichever of its label maps is used."""
_LABEL_MAPS = ("segmentation", "aggregated_maj_seg", "aggregated_and_seg", "aggregated_or_seg")
_CASE = re.compile(r"case_\d{5}")
_HOMES = (".", "data", "dataset", "kits21/data")
_LARGEST_LABEL = 3


def exam_folders(root: Path) -> list[Path]:
    """Returns the folders of the exams, sorted by name.

    Args:
        root: A cohort, whose folders are the exams, or the root of a KiTS data set, whose cases lie deeper.
    """
    for home in _HOMES:
        folders = _folders(root / home)
        if any(_CASE.fullmatch(folder.name) for folder in folders):
            return folders
    return _folders(root)


def is_kits_case(folder: Path) -> bool:
    """Tells whether a folder is named as a KiTS case and holds its image or its label map."""
    return bool(_CASE.fullmatch(folder.name)) and not _entries(folder).keys().isdisjoint((IMAGE, *_LABEL_MAPS))


def kits_files(folder: Path) -> dict[str, Path]:
    """Returns the image and the label map of a KiTS case, as `IMAGE` and `KITS_LABELS`, where it has them.

    Of several label maps, that of the majority is taken.
    """
    entries = _entries(folder)
    labels = [entries[name] for name in _LABEL_MAPS if name in entries]
    found = {IMAGE: entries.get(IMAGE), KITS_LABELS: labels[0] if labels else None}
    return {name: path for name, path in found.items() if path is not None}


def is_kits_label_map(path: Path) -> bool:
    """Tells whether a file is a label map in the folder of a KiTS case."""
    return bool(_CASE.fullmatch(path.parent.name)) and _name(path) in _LABEL_MAPS


def with_masses(labels: sitk.Image) -> sitk.Image:
    """Returns kidney, tumour and cyst of a KiTS label map as one label, 1, on the same grid.

    Only labels up to 3 are those of KiTS; any other image is returned as it is.
    """
    values = sitk.GetArrayViewFromImage(labels)
    if values.ndim != 3 or not np.isin(values, range(_LARGEST_LABEL + 1)).all():
        return labels
    return sitk.Cast(labels > 0, sitk.sitkUInt8)


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir()) if path.is_dir() else []


def _entries(folder: Path) -> dict[str, Path]:
    """Returns the entries of a folder by their names without suffixes, in lower case."""
    return {_name(path): path for path in sorted(folder.iterdir())}


def _name(path: Path) -> str:
    return path.name.split(".")[0].lower()
