from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from scipy.spatial.transform import Rotation

from NephroSynthLib.dicom.ct_writing import write_ct_series

HospitalSeries = Callable[..., list[Path]]
Rename = Callable[..., None]
SHUFFLED = ("excretory", "noncontrast", "nephrographic")

IDENTIFIERS = {
    "PatientName": "Mustermann^Erika",
    "PatientID": "PID-4711-XQ",
    "PatientBirthDate": "19430217",
    "PatientComments": "Lives at Hauptstrasse 12",
    "OtherPatientNames": "Gabler^Erika",
    "AccessionNumber": "ACC99812",
    "StudyID": "ST-778",
    "StudyDate": "20240611",
    "StudyTime": "101112.131415",
    "StudyDescription": "CT urography of Mrs Mustermann",
    "ReferringPhysicianName": "Hausarzt^Bernd",
    "PhysiciansOfRecord": "Oberarzt^Claudia",
    "AdditionalPatientHistory": "Haematuria since March",
    "Occupation": "Glassblower",
    "AdmissionID": "ADM-5566",
    "InstitutionName": "Klinikum Musterstadt",
    "StationName": "CTSTATION7",
    "DeviceSerialNumber": "SN-902211",
    "PatientAge": "081Y",
}


def grid(name: str) -> sitk.Image:
    """A small HU volume of random whole numbers, on a grid as scanners and converters make them."""
    generator = np.random.default_rng(sum(name.encode()))
    image = sitk.GetImageFromArray(generator.integers(-1024, 3071, (7, 20, 24)).astype(np.float32))
    image.SetSpacing((0.7421875, 0.81, 2.5))
    image.SetOrigin((-173.12890625, 41.3, -612.25))
    directions = {
        "axial": np.eye(3),
        "oblique": Rotation.from_euler("xyz", [17.3, -11.9, 31.7], degrees=True).as_matrix(),
        "feet first": np.diag([-1.0, 1.0, -1.0]),
        "flipped": np.diag([1.0, -1.0, 1.0]),
        "coronal": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
    }
    image.SetDirection(directions[name].ravel().tolist())
    return image


GRIDS = ("axial", "oblique", "feet first", "flipped", "coronal")


@pytest.fixture(params=GRIDS)
def volume(request: pytest.FixtureRequest) -> sitk.Image:
    return grid(request.param)


@pytest.fixture
def axial() -> sitk.Image:
    return grid("axial")


@pytest.fixture
def kidneys() -> Callable[[sitk.Image], sitk.Image]:
    """Makes a label map with a right and a left kidney on the grid of an image."""

    def make(image: sitk.Image) -> sitk.Image:
        labels = np.zeros(image.GetSize()[::-1], np.uint8)
        labels[2:5, 5:12, 3:8], labels[1:6, 5:13, 14:20] = 1, 2
        labels[3, 7, 5] = 0
        result = sitk.GetImageFromArray(labels)
        result.CopyInformation(image)
        return result

    return make


@pytest.fixture
def hospital_series(tmp_path: Path) -> HospitalSeries:
    """Writes a volume as a scanner of a hospital would: with identifiers, doses and private attributes."""

    def write(image: sitk.Image, name: str = "source", **attributes: object) -> list[Path]:
        header = Dataset()
        for keyword, value in IDENTIFIERS.items():
            setattr(header, keyword, value)
        header.SpecificCharacterSet = "ISO_IR 100"
        header.PatientSex = "F"
        header.PatientPosition = "FFS"
        header.StudyInstanceUID, header.FrameOfReferenceUID = "1.2.3.4.5.678901", "1.2.3.4.5.9.1"
        header.PositionReferenceIndicator = "SN"
        header.SeriesInstanceUID = generate_uid()
        header.Modality, header.SeriesNumber, header.AcquisitionNumber = "CT", 2, 1
        header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.Manufacturer, header.ManufacturerModelName = "Scanner works", "Scan 9000"
        header.KVP, header.XRayTubeCurrent, header.Exposure, header.CTDIvol = 120, 210, 105, 8.25
        header.AcquisitionDate, header.AcquisitionTime = "20240611", "101501"
        private = header.private_block(0x0029, "SCANNER WORKS HEADER", create=True)
        private.add_new(0x10, "LO", "Mustermann private")
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
        uids = [generate_uid() for _ in range(image.GetDepth())]
        return write_ct_series(image, tmp_path / name, header, uids, descending=True)

    return write


@pytest.fixture(scope="session")
def images(urography: dict[str, sitk.Image]) -> dict[str, sitk.Image]:
    """The phases of a simulated exam, not in the order of their acquisition."""
    return {phase: urography[phase] for phase in SHUFFLED}


@pytest.fixture(scope="session")
def rename() -> Rename:
    """Gives attributes of DICOM files other values."""

    def change(files: list[Path], **attributes: object) -> None:
        for path in files:
            instance = pydicom.dcmread(path)
            for keyword, value in attributes.items():
                setattr(instance, keyword, value)
            instance.save_as(path)

    return change
