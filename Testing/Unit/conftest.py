"""A CT-like phantom, and DICOM files of it as a scanner would write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from NephroSynthLib.cli import work
from NephroSynthLib.exam.simulated_images import to_images
from NephroSynthLib.jobs.catalogue import JOBS
from NephroSynthLib.jobs.request import parse
from NephroSynthLib.simulation import Grid, simulate

Phantom = Callable[..., sitk.Image]
WriteSeries = Callable[..., list[Path]]

RIGHT, LEFT = 1, 2


def make_phantom(
    *,
    contrast: bool = False,
    size: tuple[int, int, int] = (72, 56, 20),
    spacing: tuple[float, float, float] = (5.0, 5.0, 6.0),
    seed: int = 0,
    urine_hu: float = 700.0,
) -> sitk.Image:
    """An abdomen of ellipsoids, float32 HU: air, fat, muscle, spine, two kidneys with their pelves."""
    image = sitk.Image(size, sitk.sitkFloat32)
    image.SetSpacing(spacing)
    image.SetOrigin([-n * step / 2 for n, step in zip(size, spacing, strict=True)])
    hu = np.full(size[::-1], -1000.0)
    for center, radii, value in (
        ((0, 0, 0), (165, 125, 1e4), -100.0),
        ((0, 0, 0), (145, 105, 1e4), 45.0),
        ((0, 70, 0), (25, 25, 1e4), 350.0),
        ((0, -60, 0), (30, 20, 30), -900.0),
        ((-65, 25, 0), (28, 28, 48), 110.0 if contrast else 32.0),
        ((65, 25, 0), (28, 28, 48), 110.0 if contrast else 32.0),
        ((-55, 25, 0), (10, 10, 20), urine_hu if contrast else 5.0),
        ((55, 25, 0), (10, 10, 20), urine_hu if contrast else 5.0),
    ):
        hu[_ellipsoid(image, center, radii)] = value
    hu += np.random.default_rng(seed).normal(0, 12, hu.shape)
    result = sitk.GetImageFromArray(np.maximum(np.round(hu), -1024).astype(np.float32))
    result.CopyInformation(image)
    return result


def make_kidneys(image: sitk.Image) -> sitk.Image:
    """The truth of the phantom's kidneys on the grid of `image`: 1 right, 2 left."""
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    labels[_ellipsoid(image, (-65, 25, 0), (28, 28, 48))] = RIGHT
    labels[_ellipsoid(image, (65, 25, 0), (28, 28, 48))] = LEFT
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(image)
    return result


def _ellipsoid(image: sitk.Image, center: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    indices = np.indices(image.GetSize()).reshape(3, -1)
    steps = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    points = (steps @ indices).T + image.GetOrigin()
    inside = (((points - center) / radii) ** 2).sum(axis=1) < 1
    return inside.reshape(image.GetSize()).T


def make_series(
    image: sitk.Image,
    folder: Path,
    *,
    edit: Callable[[int, Dataset], None] = lambda index, instance: None,
    skip: tuple[int, ...] = (),
    **attributes: object,
) -> list[Path]:
    """Writes the slices of `image` as a scanner does: stored values with an offset of 1024, one file each.

    Args:
        image: HU.
        folder: Where the files go, in an order that is not that of the slices.
        edit: Changes the instance of the slice with this index.
        skip: Slices that are left out.
        attributes: Attributes of all instances, e.g. `PatientID`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = sitk.GetArrayFromImage(image)
    direction = np.reshape(image.GetDirection(), (3, 3))
    common: dict[str, object] = {
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientID": "P-1",
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19500101",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": "1.2.3.9",
        "SeriesDescription": "Abdomen",
        "SeriesNumber": 2,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        **attributes,
    }
    order = np.random.default_rng(1).permutation(len(values))
    files = []
    for index in range(len(values)):
        instance = Dataset()
        instance.file_meta = FileMetaDataset()
        instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        instance.SOPClassUID = CTImageStorage
        instance.SOPInstanceUID = generate_uid()
        for keyword, value in common.items():
            setattr(instance, keyword, value)
        instance.InstanceNumber = index + 1
        instance.Rows, instance.Columns = values[index].shape
        instance.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
        instance.SliceThickness = image.GetSpacing()[2]
        instance.ImageOrientationPatient = [f"{cosine:.10f}" for cosine in (*direction[:, 0], *direction[:, 1])]
        position = image.TransformIndexToPhysicalPoint((0, 0, index))
        instance.ImagePositionPatient = [f"{coordinate:.8f}" for coordinate in position]
        instance.PixelData = (values[index] + 1024).astype(np.uint16).tobytes()
        edit(index, instance)
        path = folder / f"IM{order[index]:04d}"
        if index not in skip:
            instance.save_as(path, enforce_file_format=True)
            files.append(path)
    return files


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    return make_phantom


@pytest.fixture(scope="session")
def phantom_kidneys() -> Callable[[sitk.Image], sitk.Image]:
    return make_kidneys


@pytest.fixture(scope="session")
def write_series() -> WriteSeries:
    return make_series


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """Twenty slices of a real CT, above the kidneys."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "real_ct_dicom"
    if not folder.is_dir():
        pytest.skip("the real CT in ../shared/data is not there")
    return folder


@pytest.fixture
def jobs_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the jobs of commands in the process of the test: a worker process would load all libraries anew."""

    def run(command: str, job: dict[str, Any], view: work.View) -> dict[str, Any]:
        return work._run_here(command, JOBS[command], parse(JOBS[command].request, job), view)

    monkeypatch.setattr(work, "_run_job", run)


SHAPE = (40, 96, 120)
SPACING = (2.0, 2.0, 4.0)
ORIGIN = (-120.0, -90.0, -80.0)


def drawn_image(array: np.ndarray, direction: tuple[float, ...] | None = None) -> sitk.Image:
    result = sitk.GetImageFromArray(array)
    result.SetSpacing(SPACING)
    result.SetOrigin(ORIGIN)
    if direction is not None:
        result.SetDirection(direction)
    return result


def drawn_points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """LPS coordinates in mm of the phantom's voxels, broadcastable."""
    z, y, x = (
        origin + step * np.arange(count) for origin, step, count in zip(ORIGIN[::-1], SPACING[::-1], SHAPE, strict=True)
    )
    return np.ix_(z, y, x)


def drawn_ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    """Mask of an ellipsoid; centre and radii in mm, (x, y, z)."""
    z, y, x = drawn_points()
    cx, cy, cz = centre
    rx, ry, rz = radii
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1


def draw_phase(kidneys: np.ndarray, kidney_hu: float, pelvis_hu: float, vessel_hu: float, seed: int) -> sitk.Image:
    body = drawn_ellipsoid((0, 0, 0), (112, 80, 1e4))
    muscle = drawn_ellipsoid((0, 0, 0), (100, 68, 1e4))
    hu = np.where(body, np.where(muscle, 45.0, -100.0), -1000.0)
    hu[drawn_ellipsoid((0, 45, 0), (20, 18, 1e4))] = 400.0
    hu[drawn_ellipsoid((-10, 15, 0), (9, 9, 1e4))] = vessel_hu
    hu[kidneys > 0] = kidney_hu
    for side in (-1, 1):
        hu[drawn_ellipsoid((side * 48, 22, 0), (7, 9, 14))] = pelvis_hu
    noise = np.random.default_rng(seed).normal(0, 9, SHAPE)
    return drawn_image((hu + noise * (hu > -900)).astype(np.float32))


@pytest.fixture(scope="session")
def drawn() -> SimpleNamespace:
    """Phases in HU and kidney labels on one grid; the right kidney lies at smaller x, as LPS has it."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[drawn_ellipsoid((-55, 22, 0), (25, 22, 48))] = 1
    labels[drawn_ellipsoid((55, 20, 8), (24, 22, 50))] = 2
    return SimpleNamespace(
        noncontrast=draw_phase(labels, 32, 8, 40, 1),
        excretory=draw_phase(labels, 110, 900, 120, 2),
        nephrographic=draw_phase(labels, 170, 60, 150, 3),
        kidneys=drawn_image(labels),
    )


@pytest.fixture(scope="session")
def urography() -> dict[str, sitk.Image]:
    """Phases, labels and kidneys of a small simulated exam, coarse, but fine enough for phase recognition."""
    grid = Grid((18, 52, 72), (4.4, 4.5, 8.5), (-155.0, -118.0, -75.0))
    return to_images(simulate(910_003, reference=grid))


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dsSNICT bundle with small random weights: its output is no anatomy, but depends on each of its inputs."""
    import torch

    from NephroSynthLib.diffusion.denoiser import DiffusionConfig
    from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
    from NephroSynthLib.methods.condition import AMPLITUDES, CONDITION_CHANNELS, CONTEXT_FEATURES
    from NephroSynthLib.models.bundle import BundleMetadata, save_bundle
    from NephroSynthLib.models.swin_diffusion import SwinDiffusion
    from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig

    torch.manual_seed(0)
    config = SwinDenoiserConfig(
        condition_channels=CONDITION_CHANNELS,
        context_features=CONTEXT_FEATURES,
        amplitudes=AMPLITUDES,
        channels=(8, 16),
        strides=((1, 2, 2),),
        blocks=(1, 1),
        attention=(False, True),
        head_channels=8,
        norm="channel",
    )
    diffusion = DiffusionConfig(parameterization="residual")
    network = SwinDenoiser(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    metadata = BundleMetadata(
        name="small",
        task="synthesis",
        method="dssnict",
        title="test",
        configuration=SwinDiffusion(network=config, diffusion=diffusion).model_dump(mode="json"),
        window_hu=(LOWER_HU, UPPER_HU),
        normalization={},
        training={"data": "none"},
        results={},
        licence="Apache-2.0",
    )
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    save_bundle(path, network.state_dict(), metadata)
    return path
