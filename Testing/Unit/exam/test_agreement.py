from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.series_identity import Identity, hashed
from NephroSynthLib.errors import GeometryError, IdentityError, InputError
from NephroSynthLib.exam.agreement import check_paths_differ, check_phases, overlap_share
from NephroSynthLib.exam.contrast import NO_CONTRAST, SWAPPED
from NephroSynthLib.exam.volume import Volume

Phantom = Callable[..., sitk.Image]

NONCONTRAST, EXCRETORY = "non-contrast phase", "excretory phase"


@pytest.fixture(scope="module")
def noncontrast(phantom: Phantom) -> sitk.Image:
    return phantom()


@pytest.fixture(scope="module")
def excretory(phantom: Phantom) -> sitk.Image:
    return phantom(contrast=True, seed=1, spacing=(4.5, 4.5, 5.5), size=(80, 62, 22))


def person(**changes: str) -> Identity:
    attributes = {"patient_id": "1", "patient_name": "Doe^Jane", "birth_date": "19500101", "sex": "F"} | changes
    patient = {name: hashed(value) for name, value in attributes.items() if name not in ("study_uid", "series")}
    return Identity(**patient, study_uid=changes.get("study_uid", "1.2"), series=changes.get("series", ""))


def refusal(noncontrast: Volume, excretory: Volume, error: type[InputError]) -> str:
    with pytest.raises(error) as caught:
        check_phases({NONCONTRAST: noncontrast, EXCRETORY: excretory})
    assert caught.value.exit_code == 3
    assert caught.value.action
    message = str(caught.value)
    assert NONCONTRAST in message
    assert EXCRETORY in message
    return message


def moved(image: sitk.Image, *offset: float) -> sitk.Image:
    result = sitk.Image(image)
    result.SetOrigin(np.add(image.GetOrigin(), offset).tolist())
    return result


def test_phases_of_one_exam_pass(noncontrast: sitk.Image, excretory: sitk.Image) -> None:
    assert check_phases({NONCONTRAST: Volume(noncontrast), EXCRETORY: Volume(excretory)}) == []


def test_the_same_file_twice(tmp_path: Path) -> None:
    path, link = tmp_path / "a.nii", tmp_path / "b.nii"
    path.touch()
    link.symlink_to(path)
    with pytest.raises(IdentityError, match="same file or folder") as caught:
        check_paths_differ({NONCONTRAST: path, EXCRETORY: link})
    assert caught.value.exit_code == 3
    check_paths_differ({NONCONTRAST: path, EXCRETORY: tmp_path / "absent"})


@pytest.mark.parametrize("axes", [(False, False, False), (True, False, True)])
def test_the_same_voxels_twice_even_when_stored_in_another_order(
    noncontrast: sitk.Image, axes: tuple[bool, ...]
) -> None:
    again = Volume(sitk.Flip(noncontrast, axes))
    assert "same voxels" in refusal(Volume(noncontrast), again, IdentityError)


def test_the_same_dicom_series_twice(noncontrast: sitk.Image, excretory: sitk.Image) -> None:
    message = refusal(
        Volume(noncontrast, person(series="1.5#0")), Volume(excretory, person(series="1.5#0")), IdentityError
    )
    assert "same DICOM series" in message


@pytest.mark.parametrize(
    "other",
    [{"patient_id": "2"}, {"birth_date": "19500102"}, {"patient_id": "", "patient_name": "Roe^Jane"}],
)
def test_different_patients(noncontrast: sitk.Image, excretory: sitk.Image, other: dict[str, str]) -> None:
    volumes = Volume(noncontrast, person()), Volume(excretory, person(**other))
    assert "different patients" in refusal(*volumes, IdentityError)


@pytest.mark.parametrize("other", [{}, {"patient_name": "DOE  JANE"}, {"patient_name": "", "sex": ""}])
def test_the_same_patient_written_differently(
    noncontrast: sitk.Image, excretory: sitk.Image, other: dict[str, str]
) -> None:
    volumes = {NONCONTRAST: Volume(noncontrast, person()), EXCRETORY: Volume(excretory, person(**other))}
    assert check_phases(volumes) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [({"patient_name": "Roe^Jane"}, "not the same name"), ({"study_uid": "1.3"}, "different studies")],
)
def test_doubts_about_identity_are_told(
    noncontrast: sitk.Image, excretory: sitk.Image, other: dict[str, str], said: str
) -> None:
    warnings = check_phases({NONCONTRAST: Volume(noncontrast, person()), EXCRETORY: Volume(excretory, person(**other))})
    assert len(warnings) == 1
    assert said in warnings[0]


def test_different_frames_of_reference_are_told(noncontrast: sitk.Image, excretory: sitk.Image) -> None:
    identities = Identity(frame_of_reference="1.9"), Identity(frame_of_reference="1.8")
    volumes = {NONCONTRAST: Volume(noncontrast, identities[0]), EXCRETORY: Volume(excretory, identities[1])}
    assert "frames of reference" in check_phases(volumes)[0]


@pytest.mark.parametrize(("offset", "said"), [(500.0, "do not overlap"), (100.0, "hardly overlap")])
def test_phases_apart(noncontrast: sitk.Image, excretory: sitk.Image, offset: float, said: str) -> None:
    assert said in refusal(Volume(noncontrast), Volume(moved(excretory, 0, 0, offset)), GeometryError)


def test_a_small_overlap_is_told(noncontrast: sitk.Image, excretory: sitk.Image) -> None:
    volumes = {NONCONTRAST: Volume(noncontrast), EXCRETORY: Volume(moved(excretory, 0, 0, 60.0))}
    assert any("% of the smaller volume" in warning for warning in check_phases(volumes))


def test_overlap_share_of_shifted_copies_is_known(noncontrast: sitk.Image) -> None:
    length = noncontrast.GetDepth() * noncontrast.GetSpacing()[2]
    for share in (1.0, 0.75, 0.25, 0.0):
        assert overlap_share(noncontrast, moved(noncontrast, 0, 0, (1 - share) * length)) == pytest.approx(
            share, abs=0.05
        )


def test_swapped_phases_are_told(noncontrast: sitk.Image, excretory: sitk.Image) -> None:
    assert check_phases({NONCONTRAST: Volume(excretory), EXCRETORY: Volume(noncontrast)}) == [SWAPPED]


def test_an_excretory_phase_without_contrast_is_told(noncontrast: sitk.Image, phantom: Phantom) -> None:
    assert check_phases({NONCONTRAST: Volume(noncontrast), EXCRETORY: Volume(phantom(seed=5))}) == [NO_CONTRAST]
