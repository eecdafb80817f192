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


def test_the_name_of_a_map_tells_which_patient_a_seed_chooses(folder: AnatomyFolder) -> None:
    for seed in range(20):
        chosen = folder.choose(seed)
        origin = {"": None, "s1": 10.0, "s2": 20.0}[folder.name(seed)]
        assert (None if chosen is None else chosen.grid.origin[0] + 4.5) == origin


def test_a_file_tells_source_and_licence(folder: AnatomyFolder) -> None:
    assert folder.source == ""
    (folder.path / "source.txt").write_text("A data set,\nCC BY 4.0\n")
    assert folder.source == "A data set, CC BY 4.0"


def test_the_digest_of_a_map_follows_its_content(folder: AnatomyFolder) -> None:
    before = folder.digests
    folder.files[0].write_bytes(folder.files[1].read_bytes())
    after = folder.digests
    assert before.keys() == after.keys() == {"s1", "s2"}
    assert before["s1"] != after["s1"] == after["s2"]


def test_a_map_that_cannot_drive_an_exam_is_refused_if_a_seed_chooses_it(folder: AnatomyFolder) -> None:
    drawn = next(seed for seed in range(99) if not folder.name(seed))
    folder.check([drawn])
    driven = next(seed for seed in range(99) if folder.name(seed) == "s1")
    with pytest.raises(InputError, match=r"s1\.nii\.gz shows no kidney"):
        folder.check([drawn, driven])


@pytest.mark.parametrize(("name", "words"), [("s1.nii.gz", "no label map"), ("classes.json", "value of each class")])
def test_a_damaged_map_is_refused_if_a_seed_chooses_it(folder: AnatomyFolder, name: str, words: str) -> None:
    (folder.path / name).write_text("[1]")
    with pytest.raises(InputError, match=words):
        folder.check([next(seed for seed in range(99) if folder.name(seed) == "s1")])


def test_values_that_no_label_map_has_are_refused(folder: AnatomyFolder) -> None:
    image = sitk.ReadImage(str(folder.files[0]))
    sitk.WriteImage(sitk.Cast(image, sitk.sitkInt16) * 40, str(folder.path / "large.nii.gz"))
    with pytest.raises(InputError, match="no label map"):
        read_label_map(folder.path / "large.nii.gz", folder.path / "classes.json")


@pytest.mark.parametrize("missing", ["classes.json", "s1.nii.gz"])
def test_a_folder_without_maps_or_classes_is_refused(folder: AnatomyFolder, missing: str) -> None:
    folder.check()
    for path in folder.path.glob("s*.nii.gz") if missing != "classes.json" else [folder.path / missing]:
        path.unlink()
    with pytest.raises(InputError, match="label maps"):
        folder.check()
