from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from NephroSynthLib.dicom.equipment import ModelIdentity
from NephroSynthLib.dicom.study_export import Export, export_dicom

MODEL = ModelIdentity("nephrographic-synthesizer", "0123456789abcdef" * 4)


@pytest.fixture
def export(
    axial: sitk.Image,
    kidneys: Callable[[sitk.Image], sitk.Image],
    hospital_series: Callable[..., list[Path]],
    tmp_path: Path,
) -> Export:
    issuer = Dataset()
    issuer.PatientID, issuer.IssuerOfPatientID = "OTHER-PID-31337", "Other hospital"
    return export_dicom(
        *(axial, hospital_series(axial, OtherPatientIDsSequence=[issuer]), tmp_path / "out"),
        model=MODEL,
        kidneys=kidneys(axial),
        excretory=hospital_series(axial, "excretory"),
        deidentified=True,
    )


def _secrets(files: list[Path]) -> set[bytes]:
    """Every text, date, name and UID of the source that is not a term of the standard."""
    secrets = set()
    for path in files:
        for element in pydicom.dcmread(path, stop_before_pixels=True).iterall():
            if element.VR in ("PN", "LO", "SH", "ST", "LT", "UT", "DA", "TM", "DT", "AS", "UI"):
                for value in [element.value] if element.VM <= 1 else element.value:
                    for part in str(value).split("^"):
                        if not part.startswith("1.2.840.10008") and len(part) > 2:
                            secrets.add(part.encode("latin-1"))
    return secrets - {b"HU"}


def test_no_identifier_of_the_source_survives_in_any_byte(export: Export, tmp_path: Path) -> None:
    secrets = _secrets([*(tmp_path / "source").iterdir(), *(tmp_path / "excretory").iterdir()])
    assert {b"Mustermann", b"PID-4711-XQ", b"OTHER-PID-31337", b"20240611", b"1.2.3.4.5.678901"} < secrets
    for path in export.files:
        content = path.read_bytes()
        assert [secret for secret in secrets if secret in content] == []


def test_the_objects_of_an_export_stay_together(export: Export) -> None:
    instances = [pydicom.dcmread(path) for path in export.files]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"):
        assert len({str(instance[keyword].value) for instance in instances}) == 1
    segmentation = instances[-1]
    sources = {str(item.ReferencedSOPInstanceUID) for i in instances[:-1] for item in i.SourceImageSequence}
    segmented = {
        str(i.ReferencedSOPInstanceUID) for i in segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert segmented < sources
    assert {i.file_meta.MediaStorageSOPInstanceUID == i.SOPInstanceUID for i in instances} == {True}


def test_it_says_that_and_how_it_was_done(export: Export) -> None:
    for path in export.files:
        instance = pydicom.dcmread(path)
        assert instance.PatientIdentityRemoved == "YES"
        assert instance.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
        assert instance.LongitudinalTemporalInformationModified == "REMOVED"


def test_it_still_says_what_it_is(export: Export) -> None:
    instance = pydicom.dcmread(export.series[0])
    assert "SYNTHETIC" in instance.SeriesDescription
    assert MODEL.sha256 in instance.ContributingEquipmentSequence[0].ContributionDescription
