from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.imaging.grids import canonical
from NephroSynthLib.preparation import at_spacing
from NephroSynthLib.settings import Settings

Phantom = Callable[..., sitk.Image]


@pytest.mark.parametrize("order", ["LPS", "RAI", "SPL", "ALI"])
@pytest.mark.parametrize(
    ("wanted", "expected"), [((6.0, 7.0, 9.0), (6.0, 7.0, 9.0)), ((0.0, 0.0, 9.0), (None, None, 9.0))]
)
def test_a_voxel_size_is_that_along_the_patients_axes_and_nought_keeps_the_inputs(
    phantom: Phantom, order: str, wanted: tuple[float, ...], expected: tuple[float | None, ...]
) -> None:
    image = phantom()
    stored = sitk.DICOMOrient(image, order)
    kidneys = sitk.Cast(stored > 20, sitk.sitkUInt8)
    exam = at_spacing(Exam(stored, stored, None, kidneys), Settings(spacing=wanted))
    spacing = [new or old for new, old in zip(expected, image.GetSpacing(), strict=True)]
    np.testing.assert_allclose(canonical(exam.noncontrast).GetSpacing(), spacing, atol=1e-5)
    assert exam.kidneys is not None
    assert exam.kidneys.GetSize() == exam.noncontrast.GetSize()
    assert exam.excretory is stored


@pytest.mark.parametrize("spacing", [(0.1, 1.0, 1.0), (1.0, 1.0, 11.0), (-1.0, 1.0, 1.0)])
def test_a_voxel_size_that_no_ct_has_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(ValidationError, match=r"between 0\.3 and 10 mm"):
        Settings(spacing=spacing)
