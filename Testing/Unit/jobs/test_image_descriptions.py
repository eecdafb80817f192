"""Each image of a result says in its file what it is and which model made it."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk

from NephroSynthLib.files.outputs import OTHER_IMAGES, SYNTHETIC
from NephroSynthLib.imaging.image_files import read_description, save_image
from NephroSynthLib.jobs.image_descriptions import describe_image, described_image
from NephroSynthLib.models.bundle import load_bundle

BUNDLED = {"segmentation": "kidney-segmenter", "synthesis": "nephrographic-synthesizer"}


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha"])
@pytest.mark.parametrize("name", [SYNTHETIC, *OTHER_IMAGES])
def test_a_file_keeps_the_whole_description_and_is_known_by_it(tmp_path: Path, name: str, suffix: str) -> None:
    models = {stage: (model, load_bundle(model).sha256) for stage, model in BUNDLED.items()}
    said = describe_image(name, models)
    path = tmp_path / f"renamed.{suffix}"
    save_image(sitk.Image(4, 4, 4, sitk.sitkFloat32), path, description=said)
    assert read_description(path) == said
    assert described_image(path) == name
    if name == SYNTHETIC:
        assert said.startswith(f"SYNTHETIC nephrographic phase; {BUNDLED['synthesis']} {models['synthesis'][1][:16]}")


def test_a_part_that_the_user_gave_names_no_model() -> None:
    assert describe_image("kidneys", {"segmentation": ("given", "")}) == "Kidneys: 1 right, 2 left"
    assert describe_image("noncontrast", {}) == ""


def test_a_long_name_of_a_model_is_cut_and_keeps_the_content(tmp_path: Path) -> None:
    said = describe_image(SYNTHETIC, {"synthesis": ("Modell für Nieren " * 9, "ab" * 32)})
    save_image(sitk.Image(4, 4, 4, sitk.sitkFloat32), tmp_path / "long.nii.gz", description=said)
    assert len(read_description(tmp_path / "long.nii.gz")) == 79
    assert described_image(tmp_path / "long.nii.gz") == SYNTHETIC


def test_another_file_tells_of_no_image(tmp_path: Path) -> None:
    (tmp_path / "damaged.nii.gz").write_bytes(b"\x1f\x8b damaged")
    sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkInt16), str(tmp_path / "plain.nrrd"))
    for name in ("damaged.nii.gz", "plain.nrrd", "missing.mha"):
        assert described_image(tmp_path / name) is None
