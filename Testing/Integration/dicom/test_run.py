"""A whole run from a heap of DICOM files to DICOM objects, with the bundled models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from NephroSynthLib import jobs
from NephroSynthLib.dicom.index import index_dicom
from NephroSynthLib.dicom.simulated import write_simulated_study
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid, simulate
from NephroSynthLib.simulation.export import to_images


def test_a_run_picks_the_phases_and_exports_into_their_study(tmp_path: Path) -> None:
    grid = Grid((44, 104, 128), (2.4, 2.4, 4.5), (-152.4, -123.6, -96.75))
    images = to_images(simulate(900_002, reference=grid))
    write_simulated_study({phase: images[phase] for phase in ("excretory", "noncontrast")}, tmp_path / "exam", seed=8)
    summary = jobs.run(
        Progress(),
        dicom=str(tmp_path / "exam"),
        out=str(tmp_path / "result"),
        dicom_out=str(tmp_path / "dicom"),
        settings={"device": "cpu"},
    )
    assert "The noncontrast phase is series 2" in summary["warnings"][0]
    written = sitk.ReadImage(str(tmp_path / "result/synthetic_nephrographic.nii.gz"))
    files = sorted((tmp_path / "dicom/synthetic_nephrographic").iterdir(), reverse=True)
    instances = [pydicom.dcmread(path) for path in files]
    exported = np.stack([instance.pixel_array for instance in instances])
    np.testing.assert_array_equal(exported, np.rint(sitk.GetArrayFromImage(written)))
    assert load_bundle("nephrographic-synthesizer").sha256 in instances[0].DerivationDescription
    index = index_dicom(tmp_path)
    assert len({series.study_uid for series in index.series}) == 1
    assert sorted(series.number or 0 for series in index.series) == [1, 2, 9001, 9002]
