from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.recognition import ExamPhases, recognize_phases
from NephroSynthLib.dicom.series_choice import choose_exam
from NephroSynthLib.dicom.simulated_study import write_simulated_study
from NephroSynthLib.errors import AmbiguousPhasesError
from NephroSynthLib.phases.evidence import Phase

Rename = Callable[..., None]

SHUFFLED = ("excretory", "noncontrast", "nephrographic")
PAIR = SHUFFLED[:2]
REAL_CT = Path(__file__).parents[4] / "shared/data/real_ct_dicom"
MISLEADING = dict(zip(SHUFFLED, ("Sin contraste", "Fase nefrográfica", "Ausscheidungsphase"), strict=True))
NO_DELAYS: dict[str, float | None] = dict.fromkeys(SHUFFLED)


def _exam(folder: Path) -> ExamPhases:
    [exam] = recognize_phases(index_dicom(folder)).exams
    return exam


def _found(exam: ExamPhases) -> dict[int | None, str]:
    return {one.series.number: one.phase.value for one in exam.acquisitions}


def test_the_images_alone_tell_the_phases(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_simulated_study(images, tmp_path, seed=1, descriptions={}, delays_s=NO_DELAYS)
    exam = _exam(tmp_path)
    assert _found(exam) == dict(enumerate(SHUFFLED, start=1))
    assert {one.source for acquisition in exam.acquisitions for one in acquisition.evidence} == {"image"}


def test_misleading_descriptions_are_contradicted(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_simulated_study(images, tmp_path, seed=1, descriptions=MISLEADING, delays_s=NO_DELAYS)
    exam = _exam(tmp_path)
    assert _found(exam) == dict(enumerate(SHUFFLED, start=1))
    assert not any(acquisition.sure for acquisition in exam.acquisitions)
    assert len(exam.questions) == 3
    with pytest.raises(AmbiguousPhasesError, match="is not clear"):
        choose_exam(index_dicom(tmp_path), {})


def test_exams_of_two_patients_are_kept_apart_and_asked_about(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    pair = {phase: images[phase] for phase in PAIR}
    for seed in (1, 2):
        write_simulated_study(pair, tmp_path / str(seed), seed=seed)
    exams = recognize_phases(index_dicom(tmp_path)).exams
    assert [exam.patient for exam in exams] == [1, 2]
    assert all(_found(exam) == dict(enumerate(PAIR, start=1)) for exam in exams)
    with pytest.raises(AmbiguousPhasesError, match="2 exams of 2 patients"):
        choose_exam(index_dicom(tmp_path), {})


def test_a_series_without_patient_is_of_the_exam_and_asked_about(
    images: dict[str, sitk.Image], tmp_path: Path, rename: Rename
) -> None:
    files = write_simulated_study({phase: images[phase] for phase in PAIR}, tmp_path, seed=1)
    rename(files["excretory"], PatientID="")
    assert _exam(tmp_path).questions == ()  # the name is the same
    rename(files["excretory"], PatientName="")
    exam = _exam(tmp_path)
    assert _found(exam) == dict(enumerate(PAIR, start=1))
    assert len([question for question in exam.questions if "may be of different patients" in question]) == 1
    rename(files["noncontrast"], PatientID="", PatientName="")
    assert _exam(tmp_path).questions == ()  # anonymous as a whole


def test_two_patients_in_one_study_are_asked_about(
    images: dict[str, sitk.Image], tmp_path: Path, rename: Rename
) -> None:
    files = write_simulated_study(images, tmp_path, seed=1)
    for phase in SHUFFLED:
        rename(files[phase], PatientBirthDate="19400101" if phase == "excretory" else "19500101")
    exams = recognize_phases(index_dicom(tmp_path)).exams
    assert [(exam.patient, len(exam.acquisitions)) for exam in exams] == [(1, 1), (2, 2)]
    assert all("of one study, but of different patients" in exam.questions[0] for exam in exams)
    with pytest.raises(AmbiguousPhasesError):
        choose_exam(index_dicom(tmp_path), {})


def test_two_acquisitions_of_one_phase_are_asked_about(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    again = sitk.AdditiveGaussianNoise(images["excretory"], 5.0, 0.0, 7)
    delays = {"noncontrast": None, "excretory": 600.0, "later": 900.0}
    phases = {"noncontrast": images["noncontrast"], "excretory": images["excretory"], "later": again}
    write_simulated_study(phases, tmp_path, seed=1, descriptions={}, delays_s=delays)
    exam = _exam(tmp_path)
    assert [one.phase.value for one in exam.acquisitions] == ["noncontrast", "excretory", "excretory"]
    assert any("which one is to be used" in question for question in exam.questions)


def test_reconstructions_of_one_acquisition_are_one_candidate(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    thick = images["excretory"]
    thin = sitk.Expand(thick, (1, 1, 2), sitk.sitkLinear)
    phases = {"noncontrast": images["noncontrast"], "thick": thick, "thin": thin}
    delays = {"noncontrast": None, "thick": 600.0, "thin": 600.0}
    write_simulated_study(phases, tmp_path, seed=1, descriptions={}, delays_s=delays)
    excretory = _exam(tmp_path).find(Phase.EXCRETORY)
    assert excretory is not None
    assert excretory.series.number == 3
    assert [series.number for series in excretory.reconstructions] == [2]


def test_a_series_computed_here_is_no_phase(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    files = write_simulated_study(images, tmp_path, seed=1)
    for path in files["nephrographic"]:
        instance = pydicom.dcmread(path)
        instance.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "SYNTHETIC"]
        instance.save_as(path)
    report = recognize_phases(index_dicom(tmp_path))
    assert [why for _, why in report.set_aside] == ["computed by NephroSynth, not acquired"]
    assert "nephrographic" not in _found(report.exams[0]).values()


def test_kidneys_are_looked_for_only_where_it_is_not_clear_without(
    images: dict[str, sitk.Image], tmp_path: Path
) -> None:
    write_simulated_study(images, tmp_path / "clear", seed=1)
    one = {"noncontrast": images["noncontrast"]}
    write_simulated_study(one, tmp_path / "unclear", seed=1, descriptions={}, delays_s={"noncontrast": None})

    def never(image: sitk.Image) -> sitk.Image:
        raise AssertionError("the tags and the image are clear")

    def none(image: sitk.Image) -> sitk.Image:
        return sitk.Cast(image * 0, sitk.sitkUInt8)

    [exam] = recognize_phases(index_dicom(tmp_path / "clear"), segment=never).exams
    assert all(one.sure for one in exam.acquisitions)
    [exam] = recognize_phases(index_dicom(tmp_path / "unclear"), segment=none).exams
    [acquisition] = exam.acquisitions
    assert "no kidney is found" in [evidence.text for evidence in acquisition.evidence]
    assert not acquisition.sure


def test_the_kidneys_attenuation_tells_a_phase(urography: dict[str, sitk.Image], tmp_path: Path) -> None:
    one = {"noncontrast": urography["noncontrast"]}
    write_simulated_study(one, tmp_path, seed=1, descriptions={}, delays_s={"noncontrast": None})
    index = index_dicom(tmp_path)
    kidneys = urography["kidneys"]
    nearest = sitk.sitkNearestNeighbor

    def segment(image: sitk.Image) -> sitk.Image:
        return sitk.Resample(kidneys, image, sitk.Transform(), nearest)

    [without] = recognize_phases(index).exams[0].acquisitions
    [found] = recognize_phases(index, segment=segment).exams[0].acquisitions
    assert not without.sure
    assert found.phase is Phase.NONCONTRAST
    assert found.sure
    assert "dense urine" in found.evidence[0].text


def test_the_report_is_json(images: dict[str, sitk.Image], tmp_path: Path) -> None:
    write_simulated_study(images, tmp_path, seed=1)
    report = recognize_phases(index_dicom(tmp_path)).to_dict()
    [exam] = report["exams"]
    assert {one["phase"] for one in exam["acquisitions"]} == set(SHUFFLED)
    assert all(0 < one["probability"] <= 1 and one["why"] for one in exam["acquisitions"])


@pytest.mark.skipif(not REAL_CT.is_dir(), reason="the real CT in ../shared/data is not there")
def test_a_real_ct_above_the_kidneys_is_none_of_the_phases() -> None:
    [acquisition] = _exam(REAL_CT).acquisitions
    assert acquisition.phase is Phase.OTHER
    assert np.isclose(acquisition.probability, 1, atol=0.1)
