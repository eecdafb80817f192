from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.series_reading import read_series
from NephroSynthLib.dicom.simulated_study import write_simulated_study


def _phases() -> dict[str, sitk.Image]:
    generator = np.random.default_rng(1)
    images = {}
    for phase in ("noncontrast", "nephrographic", "excretory"):
        image = sitk.GetImageFromArray(np.rint(generator.normal(40, 200, (18, 12, 14))).astype(np.float32))
        image.SetSpacing((0.8, 0.9, 2.5))
        image.SetOrigin((-30.5, 12.25, -400.0))
        images[phase] = image
    return images


def test_a_study_reads_back_as_three_volumes(tmp_path: Path) -> None:
    phases = _phases()
    write_simulated_study(phases, tmp_path, seed=4)
    volumes = index_dicom(tmp_path).volumes
    assert [series.number for series in volumes] == [1, 2, 3]
    assert len({series.study_uid for series in volumes}) == 1
    for series, image in zip(volumes, phases.values(), strict=True):
        read = read_series(series).image
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(image))
        np.testing.assert_allclose(read.GetOrigin(), image.GetOrigin())
        np.testing.assert_allclose(read.GetSpacing(), image.GetSpacing())


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_simulated_study(_phases(), tmp_path / "first", seed=4)["excretory"]
    second = write_simulated_study(_phases(), tmp_path / "second", seed=4)["excretory"]
    other = write_simulated_study(_phases(), tmp_path / "other", seed=5)["excretory"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in first}
    assert uids.isdisjoint(pydicom.dcmread(path).SOPInstanceUID for path in other)


def test_other_images_are_never_taken_for_the_same_instances(tmp_path: Path) -> None:
    phases = _phases()
    alone = write_simulated_study({"excretory": phases["excretory"]}, tmp_path / "alone", seed=4)["excretory"]
    other = write_simulated_study({"noncontrast": phases["noncontrast"]}, tmp_path / "other", seed=4)["noncontrast"]
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in alone}
    assert uids.isdisjoint(pydicom.dcmread(path).SOPInstanceUID for path in other)


def test_nobody_can_take_it_for_a_patient(tmp_path: Path) -> None:
    for files in write_simulated_study(_phases(), tmp_path, seed=4).values():
        instance = pydicom.dcmread(files[0])
        assert str(instance.PatientName) == "Simulated^Exam"
        assert instance.PatientID.startswith("SIMULATED")
        assert instance.QualityControlSubject == "YES"
        assert instance.ContentQualification == "RESEARCH"
        assert "simulator" in instance.Manufacturer
        assert "Simulated" in instance.SeriesDescription
