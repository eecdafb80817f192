from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.index import DicomIndex, index_dicom
from NephroSynthLib.dicom.recognition import recognize_phases
from NephroSynthLib.dicom.series_choice import choose_exam, find_excretory, find_source, has_grid
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.errors import AmbiguousPhasesError
from NephroSynthLib.phases.evidence import Phase

Rename = Callable[..., None]

SHUFFLED = ("excretory", "noncontrast", "nephrographic")
MISLEADING = dict(zip(SHUFFLED, ("Sin contraste", "Fase nefrográfica", "Ausscheidungsphase"), strict=True))


@pytest.fixture(scope="module")
def study(images: dict[str, sitk.Image], tmp_path_factory: pytest.TempPathFactory) -> DicomIndex:
    """Series 1 excretory, 2 non-contrast, 3 nephrographic, each on its own grid."""
    folder = tmp_path_factory.mktemp("study")
    write_simulated_study(images, folder, seed=1)
    return index_dicom(folder)


def test_the_right_series_are_chosen_and_named(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_simulated_study(images, tmp_path, seed=1)
    choice = choose_exam(index_dicom(tmp_path), {})
    assert {phase.value: series.number for phase, series in choice.series.items()} == {
        "noncontrast": 2,
        "excretory": 1,
        "nephrographic": 3,
    }
    assert "The non-contrast phase is series 2" in choice.notes[0]


def test_series_that_the_user_names_are_taken(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_simulated_study(images, tmp_path, seed=1, descriptions=MISLEADING)
    choice = choose_exam(index_dicom(tmp_path), {Phase.NONCONTRAST: "2", Phase.EXCRETORY: "1"})
    assert choice.series[Phase.NONCONTRAST].number == 2
    assert choice.series[Phase.EXCRETORY].number == 1
    with pytest.raises(AmbiguousPhasesError, match="No CT series is numbered 7"):
        choose_exam(index_dicom(tmp_path), {Phase.NONCONTRAST: "7", Phase.EXCRETORY: "1"})


def test_a_complete_exam_is_not_taken_where_its_study_holds_another_patient(
    images: dict[str, sitk.Image], tmp_path: Path, rename: Rename
) -> None:
    files = write_simulated_study(images, tmp_path, seed=1)
    assert choose_exam(index_dicom(tmp_path), {}).series[Phase.NONCONTRAST].number == 2
    for doubt in ({"PatientID": "another", "PatientName": "Another"}, {"PatientID": "", "PatientName": ""}):
        rename(files["nephrographic"], **doubt)
        with pytest.raises(AmbiguousPhasesError, match="different patients"):
            choose_exam(index_dicom(tmp_path), {})
        named = choose_exam(index_dicom(tmp_path), {Phase.NONCONTRAST: "2", Phase.EXCRETORY: "1"})
        assert set(named.series) == {Phase.NONCONTRAST, Phase.EXCRETORY}


def test_a_derived_series_is_taken_only_when_it_is_named(
    images: dict[str, sitk.Image], tmp_path: Path, rename: Rename
) -> None:
    files = write_simulated_study(images, tmp_path, seed=1)
    rename(files["nephrographic"], SeriesDescription="Abdomen VNC")
    index = index_dicom(tmp_path)
    [exam] = recognize_phases(index).exams
    assert exam.find(Phase.NEPHROGRAPHIC) is None
    choice = choose_exam(index, {Phase.NONCONTRAST: "3", Phase.EXCRETORY: "1"})
    assert choice.series[Phase.NONCONTRAST].number == 3
    assert "though it is computed from several energies" in choice.notes[0]


def test_a_series_that_is_no_volume_cannot_be_named_and_the_reason_is_told(
    images: dict[str, sitk.Image], tmp_path: Path, rename: Rename
) -> None:
    files = write_simulated_study(images, tmp_path, seed=1)
    rename(files["nephrographic"], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    with pytest.raises(AmbiguousPhasesError, match="which is set aside: localizer"):
        choose_exam(index_dicom(tmp_path), {Phase.NONCONTRAST: "3", Phase.EXCRETORY: "1"})


def test_the_source_of_a_volume_is_the_series_with_its_grid(study: DicomIndex, images: dict[str, sitk.Image]) -> None:
    for number, phase in enumerate(SHUFFLED, start=1):
        volume = sitk.Cast(images[phase], sitk.sitkInt16)
        assert find_source(study, volume, None).number == number
        assert find_source(study, sitk.PermuteAxes(volume, [2, 0, 1]), None).number == number
        assert [has_grid(series, volume) for series in study.series] == [one == phase for one in SHUFFLED]


def test_the_source_of_a_volume_on_a_grid_of_its_own_is_the_noncontrast_series(study: DicomIndex) -> None:
    finer = sitk.Image(80, 60, 40, sitk.sitkInt16)
    assert find_source(study, finer, None).number == 2
    assert find_source(study, finer, "3").number == 3


def test_a_source_that_is_not_clear_is_asked_about(study: DicomIndex) -> None:
    contrast = DicomIndex(tuple(one for one in study.series if one.number != 2), ())
    with pytest.raises(AmbiguousPhasesError, match="not clear from which series the volume was computed"):
        find_source(contrast, sitk.Image(8, 8, 8, sitk.sitkInt16), None)
    with pytest.raises(AmbiguousPhasesError, match="there is no CT volume"):
        find_source(DicomIndex((), ()), sitk.Image(8, 8, 8, sitk.sitkInt16), None)


def test_the_excretory_series_of_an_export_is_the_named_or_the_only_one(study: DicomIndex) -> None:
    only = DicomIndex(study.series[:1], ())
    assert find_excretory(only, None).number == 1
    assert find_excretory(study, "1").number == 1
    assert find_excretory(study, study.series[2].uid).number == 3
    with pytest.raises(AmbiguousPhasesError, match="not clear which series is the excretory phase"):
        find_excretory(study, None)
    with pytest.raises(AmbiguousPhasesError, match="no CT volume"):
        find_excretory(DicomIndex((), ()), None)


def test_only_the_phases_that_no_series_shows_are_called_missing(study: DicomIndex) -> None:
    contrast = DicomIndex(tuple(one for one in study.series if one.number == 1), ())
    with pytest.raises(AmbiguousPhasesError, match=r"There is no non-contrast phase: .* looks excretory"):
        choose_exam(contrast, {})
