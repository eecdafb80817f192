from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from NephroSynthLib.errors import IdentityError, UnreadableInputError
from NephroSynthLib.exam.exam import read_exam
from NephroSynthLib.jobs.simulated_files import SimulatedFiles
from NephroSynthLib.preparation import NO_DELAY, NOT_IN_HEADER, with_delay, with_patient
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import Settings, SynthesisSettings
from NephroSynthLib.simulation import Grid

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]


def written(image: sitk.Image, path: Path) -> Path:
    sitk.WriteImage(image, str(path))
    return path


def test_the_delay_of_an_excretory_phase_is_that_of_its_dicom_header(tmp_path: Path) -> None:
    exam = SimulatedFiles.simulate(900_001, Progress(), Grid((20, 40, 52), (6.0, 6.0, 8.0), (-153.0, -117.0, -76.0)))
    exam.write_phases(tmp_path / "dicom", "dicom", Progress())
    exam.write_phases(tmp_path / "nifti", "nifti", Progress())
    read = read_exam(tmp_path / "dicom/noncontrast", tmp_path / "dicom/excretory")
    assert read.excretory_delay_s == pytest.approx(exam.exam.kinetics.excretory_s, abs=1)
    files = (tmp_path / "nifti/noncontrast.nii.gz", tmp_path / "nifti/excretory.nii.gz")
    assert read_exam(*files).excretory_delay_s is None

    for wanted, given, expected in ((True, None, read.excretory_delay_s), (False, None, None), (True, 500.0, 500.0)):
        settings = Settings(delay_from_dicom=wanted, synthesis=SynthesisSettings(excretory_delay_s=given))
        told, warnings = with_delay(settings, read)
        assert told.synthesis.excretory_delay_s == expected
        assert warnings == ()
    assert with_delay(Settings(delay_from_dicom=True), read_exam(*files))[1] == (NO_DELAY,)


def test_weight_and_iodine_come_from_the_dicom_header_where_that_is_wanted(
    phantom: Phantom, tmp_path: Path, write_series: WriteSeries
) -> None:
    write_series(phantom(), tmp_path / "a", PatientWeight="82")
    dose = {"ContrastBolusTotalDose": "100", "ContrastBolusIngredientConcentration": "350"}
    write_series(phantom(contrast=True, seed=1), tmp_path / "b", **dose)
    exam = read_exam(tmp_path / "a", tmp_path / "b")
    assert (exam.weight_kg, exam.iodine_g) == (82.0, 35.0)
    assert with_patient(Settings(), exam) == (Settings(), ())
    given = Settings(patient_from_dicom=True, synthesis=SynthesisSettings(weight_kg=60.0))
    told, notes = with_patient(given, exam)
    assert (told.synthesis.weight_kg, told.synthesis.iodine_g, notes) == (60.0, 35.0, ())
    missing = with_patient(given, replace(exam, iodine_g=None))
    assert missing == (given, (NOT_IN_HEADER["iodine_g"],))


def test_phases_keep_their_own_grids(phantom: Phantom, phantom_kidneys: Callable, tmp_path: Path) -> None:
    noncontrast = phantom()
    excretory = phantom(contrast=True, size=(80, 60, 24), spacing=(4.5, 4.5, 5.0), seed=1)
    nephrographic = phantom(contrast=True, urine_hu=200, size=(60, 50, 30), spacing=(6.0, 6.0, 4.0), seed=2)
    paths = {
        "noncontrast": written(noncontrast, tmp_path / "n.nii.gz"),
        "excretory": written(excretory, tmp_path / "e.nrrd"),
        "nephrographic": written(nephrographic, tmp_path / "p.mha"),
        "kidneys": written(phantom_kidneys(noncontrast), tmp_path / "k.nii.gz"),
    }
    exam = read_exam(**paths)
    assert exam.warnings == ()
    assert exam.nephrographic is not None
    assert exam.kidneys is not None
    for read, given in (
        (exam.noncontrast, noncontrast),
        (exam.excretory, excretory),
        (exam.nephrographic, nephrographic),
    ):
        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), sitk.GetArrayViewFromImage(given))
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(exam.kidneys), sitk.GetArrayFromImage(phantom_kidneys(noncontrast))
    )


def test_an_error_names_the_phase(phantom: Phantom, tmp_path: Path) -> None:
    good = written(phantom(), tmp_path / "n.nii.gz")
    with pytest.raises(UnreadableInputError, match="nephrographic phase"):
        read_exam(good, written(phantom(seed=1), tmp_path / "e.nii"), tmp_path / "absent")


def test_no_message_has_a_patient_identifier(phantom: Phantom, tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(phantom(), tmp_path / "a", PatientID="SECRET1", PatientName="SECRET2")
    write_series(phantom(), tmp_path / "b", PatientID="SECRET3", PatientBirthDate="19000101")
    with pytest.raises(IdentityError) as caught:
        read_exam(tmp_path / "a", tmp_path / "b")
    assert "different patients" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert caught.value.exit_code == 3
