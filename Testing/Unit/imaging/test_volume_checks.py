from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from NephroSynthLib.errors import InputError
from NephroSynthLib.exam.volume import read_volume
from NephroSynthLib.imaging.volume_checks import check_hounsfield
from NephroSynthLib.simulation.reference_grid import Grid
from NephroSynthLib.simulation.simulated_exam import SimulatedExam, simulate


@pytest.fixture(scope="module")
def simulated() -> SimulatedExam:
    return simulate(900_011, reference=Grid((32, 90, 120), (3.0, 3.0, 5.0), (0.0, 0.0, 0.0)))


@pytest.mark.parametrize("phase", ["noncontrast", "nephrographic", "excretory"])
@pytest.mark.parametrize("noise", [0.0, 40.0])
@pytest.mark.parametrize("blur", [0.0, 1.5])
def test_each_phase_passes_however_noisy_and_soft(
    simulated: SimulatedExam, phase: str, noise: float, blur: float
) -> None:
    hu = ndimage.gaussian_filter(simulated.phases[phase].hu, blur)
    check_hounsfield(phase, hu + np.random.default_rng(0).normal(0, noise, hu.shape).astype(np.float32))


def test_a_narrow_field_of_view_within_the_body_passes(simulated: SimulatedExam) -> None:
    hu = simulated.phases["noncontrast"].hu
    where = ndimage.find_objects((simulated.kidneys > 0).astype(int))[0]
    check_hounsfield("non-contrast phase", np.ascontiguousarray(hu[:, max(0, where[1].start - 5) : where[1].stop + 15]))


@pytest.mark.parametrize("offset", [1024.0, -1024.0, 300.0, -300.0])
def test_the_real_ct_passes_and_does_not_when_shifted(real_ct: Path, offset: float) -> None:
    hu = sitk.GetArrayFromImage(read_volume(real_ct, "CT").image)[:, ::4, ::4]
    check_hounsfield("CT", hu)
    with pytest.raises(InputError, match="CT is not"):
        check_hounsfield("CT", hu + np.float32(offset))
