from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from NephroSynthLib.exam.exam import read_exam
from NephroSynthLib.exam.situs import MIRRORED, show_liver_on_left, situs_warnings
from NephroSynthLib.exam.volume import read_volume

SHAPE, SPACING_MM = (56, 56, 88), 4.0
SHARED = Path(__file__).parents[4] / "shared" / "data"
AT = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
    return np.asarray(sum(((axis - c) / r) ** 2 for axis, c, r in zip(AT, centre, radii, strict=True)) <= 1)


LIVER, SMALL_LIVER = ellipsoid((40, 26, 25), (20, 17, 15)), ellipsoid((42, 26, 25), (12, 12, 11))
SPLEEN, LARGE_SPLEEN = ellipsoid((42, 34, 68), (12, 8, 6)), ellipsoid((36, 30, 65), (20, 14, 13))
ASCITES = ellipsoid((22, 28, 70), (30, 20, 14)) | ellipsoid((14, 28, 18), (10, 18, 12))
LUNGS = [ellipsoid((55, 28, x), (9, 14, 12)) for x in (25, 64)]


def abdomen(
    *,
    liver: NDArray[np.bool_] = LIVER,
    liver_hu: float = 58.0,
    spleen: NDArray[np.bool_] = SPLEEN,
    spleen_hu: float = 48.0,
    ascites: bool = False,
    lungs: bool = True,
) -> sitk.Image:
    """Returns a CT of 4 mm voxels along the axes of LPS; patient's right is at low columns."""
    hu = np.where(ellipsoid((28, 28, 44), (200, 26, 42)), -100.0, -1000.0)
    hu[ellipsoid((28, 42, 44), (200, 5, 5))] = 400.0
    if ascites:
        hu[ASCITES] = 7.0
    hu[liver], hu[spleen] = liver_hu, spleen_hu
    for lung in LUNGS if lungs else []:
        hu[lung] = -850.0
    return image(hu + np.random.default_rng(0).normal(0, 6, SHAPE))


def image(hu: NDArray[np.floating]) -> sitk.Image:
    made = sitk.GetImageFromArray(hu.astype(np.float32))
    made.SetSpacing((SPACING_MM,) * 3)
    return made


def mirrored(ct: sitk.Image) -> sitk.Image:
    """Returns the mirror image under the same header."""
    flipped = sitk.GetImageFromArray(sitk.GetArrayFromImage(sitk.DICOMOrient(ct, "LPS"))[:, :, ::-1].copy())
    flipped.CopyInformation(sitk.DICOMOrient(ct, "LPS"))
    return flipped


def test_a_mirrored_abdomen_is_told_in_each_stored_orientation() -> None:
    normal = abdomen()
    for code in ("LPS", "SRA"):
        for one, told in ((normal, False), (mirrored(normal), True)):
            stored = sitk.DICOMOrient(one, code)
            assert show_liver_on_left(stored, stored) is told


@pytest.mark.parametrize(
    "unusual",
    [
        abdomen(liver_hu=8.0, spleen=LARGE_SPLEEN),
        abdomen(liver=SMALL_LIVER, spleen=LARGE_SPLEEN),
        abdomen(liver=np.zeros(SHAPE, bool), spleen=LARGE_SPLEEN, lungs=False),
    ],
    ids=["fatty liver and large spleen", "cirrhosis", "large spleen in a field of view without the liver"],
)
def test_unusual_patients_of_normal_situs_raise_no_alarm(unusual: sitk.Image) -> None:
    assert not show_liver_on_left(unusual, unusual)


def test_ascites_hides_no_mirrored_exam_once_contrast_is_given() -> None:
    before = abdomen(liver_hu=30.0, ascites=True)
    after = abdomen(liver_hu=60.0, spleen_hu=85.0, ascites=True)
    assert show_liver_on_left(mirrored(before), mirrored(after))
    assert not show_liver_on_left(before, after)
    assert not show_liver_on_left(mirrored(before), mirrored(before)), "without contrast, ascites may be a fatty liver"


def test_a_very_fatty_liver_beside_a_large_spleen_and_ascites_raises_no_alarm() -> None:
    before = abdomen(liver_hu=5.0, spleen=LARGE_SPLEEN, ascites=True)
    after = abdomen(liver_hu=23.0, spleen=LARGE_SPLEEN, spleen_hu=85.0, ascites=True)
    assert not show_liver_on_left(before, after)


def test_both_phases_must_show_it() -> None:
    normal = abdomen()
    assert situs_warnings(mirrored(normal), mirrored(normal)) == (MIRRORED,)
    assert situs_warnings(mirrored(normal), normal) == ()


def test_an_exam_whose_phases_are_both_mirrored_is_read_with_the_warning(tmp_path: Path) -> None:
    normal = sitk.GetArrayFromImage(abdomen())
    enhanced = normal + 25.0 * (LIVER | SPLEEN)
    enhanced[ellipsoid((20, 36, 34), (5, 2, 2))] = 600.0
    for name, side in (("sound", slice(None)), ("mirrored", slice(None, None, -1))):
        for phase, hu in (("nc", normal), ("ex", enhanced)):
            sitk.WriteImage(image(hu[:, :, side]), tmp_path / f"{name}_{phase}.nrrd")
    told = {
        name: MIRRORED in read_exam(tmp_path / f"{name}_nc.nrrd", tmp_path / f"{name}_ex.nrrd").warnings
        for name in ("sound", "mirrored")
    }
    assert told == {"sound": False, "mirrored": True}


@pytest.mark.parametrize(
    ("name", "told_when_mirrored"), [("real_ct_enhanced/ct.nii.gz", True), ("real_ct_dicom", False)]
)
def test_real_patients(name: str, told_when_mirrored: bool) -> None:
    """The first has ascites; the second shows no lung."""
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    ct = read_volume(SHARED / name).image
    ct = sitk.BinShrink(ct, [max(1, int(SPACING_MM / step)) for step in ct.GetSpacing()])
    assert not show_liver_on_left(ct, ct)
    assert show_liver_on_left(mirrored(ct), mirrored(ct)) is told_when_mirrored
