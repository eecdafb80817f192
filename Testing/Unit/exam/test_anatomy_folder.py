from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import InputError
from NephroSynthLib.exam.anatomy_folder import AnatomyFolder, read_label_map


@pytest.fixture
def folder(tmp_path: Path) -> AnatomyFolder:
    """Two label maps in RAS whose only voxel of class 'liver' has the indices x = 1, y = 2, z = 3."""
    for number in (1, 2):
        labels = np.zeros((6, 5, 4), np.uint8)
        labels[3, 2, 1] = 7
        image = sitk.GetImageFromArray(labels)
        image.SetSpacing((1.5, 2.0, 2.5))
        image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
        image.SetOrigin((10.0 * number, 20.0, 30.0))
        sitk.WriteImage(image, str(tmp_path / f"s{number}.nii.gz"))
    (tmp_path / "classes.json").write_text(json.dumps({"liver": 7}), "utf-8")
    return AnatomyFolder(tmp_path)


def test_a_label_map_is_read_in_lps(folder: AnatomyFolder) -> None:
    label_map = read_label_map(folder.files[0], folder.path / "classes.json")
    assert label_map.points("liver") == pytest.approx(np.array([[10.0 - 1.5, 20.0 - 4.0, 30.0 + 7.5]]))


def test_the_seed_chooses_a_patient_or_none(folder: AnatomyFolder) -> None:
    chosen = [folder.choose(seed) for seed in range(60)]
    origins = [None if c is None else c.grid.origin for c in chosen]
    assert origins == [None if c is None else c.grid.origin for c in map(folder.choose, range(60))]
    assert len({o for o in origins if o is not None}) == 2
    assert 15 < origins.count(None) < 45


@pytest.mark.parametrize("missing", ["classes.json", "s1.nii.gz"])
def test_a_folder_without_maps_or_classes_is_refused(folder: AnatomyFolder, missing: str) -> None:
    folder.check()
    for path in folder.path.glob("s*.nii.gz") if missing != "classes.json" else [folder.path / missing]:
        path.unlink()
    with pytest.raises(InputError, match="label maps"):
        folder.check()
