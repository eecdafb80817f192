"""A result of the panel in other formats, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
import SimpleITK as sitk

from NephroSynthLib.jobs import catalogue as jobs
from NephroSynthLib.progress import Progress

SPACING = (5.6, 5.6, 10.0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "exam"
    jobs.execute("sample", {"out": str(folder), "seed": 900_001, "spacing": SPACING}, Progress())
    return folder


def test_a_result_is_exported_in_every_format(sample: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "ready").mkdir(parents=True)
    (source / "ready" / "report.html").write_text("<html></html>")
    image = sitk.Round(sitk.ReadImage(str(sample / "noncontrast.nrrd"), sitk.sitkFloat32)) + 1.0
    sitk.WriteImage(image, str(source / "synthetic_nephrographic.nrrd"))
    model = {"name": "test", "sha256": "ab" * 32}
    (source / "result.json").write_text(json.dumps({"model": {"synthesis": model}}))
    arguments = {"source": str(source), "out": str(out), "nrrd": True, "nifti": True}
    dicom = {"dicom_source": str(sample / "dicom"), "dicom_excretory": str(sample / "dicom" / "excretory")}
    jobs.execute("export-result", {**arguments, **dicom}, Progress())
    for suffix in (".nrrd", ".nii.gz"):
        again = sitk.ReadImage(str(out / f"synthetic_nephrographic{suffix}"))
        assert (sitk.GetArrayFromImage(again) == sitk.GetArrayFromImage(image)).all()
    first = pydicom.dcmread(sorted((out / "dicom" / "synthetic_nephrographic").iterdir())[0])
    original = pydicom.dcmread(sorted((sample / "dicom" / "noncontrast").iterdir())[0])
    assert first.StudyInstanceUID == original.StudyInstanceUID
    assert first.SeriesInstanceUID != original.SeriesInstanceUID
    assert len(first.ReferencedSeriesSequence) == 2
    assert {path.name for path in out.iterdir()} == {
        "synthetic_nephrographic.nrrd",
        "synthetic_nephrographic.nii.gz",
        "dicom",
        "result.json",
        "report.html",
    }
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_that_fails_leaves_no_folder(sample: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "ready").mkdir(parents=True)
    (source / "ready" / "report.html").write_text("<html></html>")
    (source / "kidneys.nrrd").write_bytes(b"no image")
    with pytest.raises(RuntimeError, match=r"kidneys\.nrrd"):
        jobs.execute(
            "export-result", {"source": str(source), "out": str(out), "nrrd": True, "nifti": False}, Progress()
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
