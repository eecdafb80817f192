from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from NephroSynthLib.errors import ModelError, NephroSynthError, UsageError
from NephroSynthLib.generators.generator import Generator
from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.generators.mt_ddpm_generator import MtDdpmGenerator
from NephroSynthLib.generators.slice_vae import SliceVae
from NephroSynthLib.generators.wgan_gp import WganGp
from NephroSynthLib.imaging.image_files import read_description
from NephroSynthLib.jobs.catalogue import execute
from NephroSynthLib.models.bundle import BundleMetadata, save_bundle
from NephroSynthLib.progress import Progress

TINY = LatentConfig(latent=4, widths=(4, 4, 4))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles of untrained generators by method."""
    torch.manual_seed(0)
    folder, kinds = tmp_path_factory.mktemp("models"), (WganGp, SliceVae)
    return {kind.name: _bundle(kind(TINY, kind.build(TINY)), folder / f"{kind.name}.safetensors") for kind in kinds}


def _bundle(generator: Generator, path: Path) -> Path:
    metadata = BundleMetadata(
        name=path.stem, task="generation", method=generator.name, title=generator.title,
        configuration=generator.configuration.model_dump(mode="json"), window_hu=generator.window_hu,
        normalization={}, training={"data": "2 simulated exams, seeds 0 to 1"}, results={}, licence="Apache-2.0",
    )  # fmt: skip
    save_bundle(path, generator.network.state_dict(), metadata, torch.float32)
    return path


def _generate(out: Path, **arguments: Any) -> dict[str, Any]:
    return execute("generate", {"out": str(out), **arguments}, Progress())


def test_slices_are_written_named_and_marked_as_synthetic(models: dict[str, Path], tmp_path: Path) -> None:
    summary = _generate(tmp_path / "out", model=str(models["wgan-gp"]), count=2)
    names = ["synthetic_slice_wgan-gp_0001.nii.gz", "synthetic_slice_wgan-gp_0002.nii.gz"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["generation.json", *names]
    record = json.loads((tmp_path / "out/generation.json").read_text("utf-8"))
    assert {**record, "warnings": []} == summary
    assert [one["file"] for one in record["images"]] == names
    assert "shows no person" in record["notice"]
    assert "Research use only" in record["notice"]
    assert record["learned_from"] == "simulated exams only"
    assert record["steps"] is None  # a GAN takes none
    image = sitk.ReadImage(str(tmp_path / "out" / names[0]))
    assert image.GetSize() == (16, 16, 1)
    assert image.GetSpacing() == (1.0, 1.0, 2.0)
    assert image.GetPixelID() == sitk.sitkFloat32
    for name in names:
        description = read_description(tmp_path / "out" / name)
        assert description == "Synthetic CT by NephroSynth (wgan-gp), no person. Research use only."


def test_the_record_tells_the_steps_that_were_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MtDdpmGenerator, "crop", (1, 16, 16))
    monkeypatch.setattr(MtDdpmGenerator, "own_steps", 2)
    model = str(_bundle(MtDdpmGenerator.untrained(), tmp_path / "mt.safetensors"))
    assert _generate(tmp_path / "own", model=model)["steps"] == 2
    assert _generate(tmp_path / "wanted", model=model, steps=3)["steps"] == 3


def test_an_image_depends_on_its_number_and_not_on_the_count(models: dict[str, Path], tmp_path: Path) -> None:
    for count in (1, 2):
        _generate(tmp_path / str(count), model=str(models["wgan-gp"]), count=count, images="nrrd")
    paths = sorted(tmp_path.rglob("synthetic_*.nrrd"))
    arrays = [sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in paths]
    np.testing.assert_array_equal(arrays[0], arrays[1])
    assert not np.array_equal(arrays[1], arrays[2])


def test_volumes_have_the_height_that_is_asked_for(models: dict[str, Path], tmp_path: Path) -> None:
    _generate(tmp_path / "a", method="slice-vae", model=str(models["slice-vae"]), slices=5, images="nrrd")
    _generate(tmp_path / "b", model=str(models["slice-vae"]))
    five = tmp_path / "a/synthetic_volume_slice-vae_0001.nrrd"
    assert sitk.ReadImage(str(five)).GetSize() == (16, 16, 5)
    assert "Synthetic" in read_description(five)
    assert sitk.ReadImage(str(tmp_path / "b/synthetic_volume_slice-vae_0001.nii.gz")).GetSize() == (16, 16, 24)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, UsageError, "No generator is named; there are mt-ddpm"),
        ({"method": "dssnict"}, UsageError, "no generator 'dssnict'"),
        ({"method": "ascii-2"}, ModelError, "No model of the generator 'ascii-2' is shipped"),
        ({"model": "kidney-segmenter"}, ModelError, "made for segmentation, not for generation"),
        ({"model": "none-such"}, ModelError, "no model 'none-such'"),
        ({"model": "wgan-gp", "method": "pggan"}, UsageError, "of the generator 'wgan-gp', not 'pggan'"),
        ({"model": "wgan-gp", "slices": 2}, UsageError, "makes single slices"),
        ({"model": "wgan-gp", "steps": 9}, UsageError, "in one call, without denoising steps"),
        ({"model": "slice-vae", "slices": 25}, UsageError, "makes volumes of at most 24 slices"),
        ({"model": "wgan-gp", "count": 0}, UsageError, "count must be at least 1"),
    ],
)
def test_what_cannot_be_made_is_refused_before_any_work(
    arguments: dict[str, Any], error: type[NephroSynthError], words: str, models: dict[str, Path], tmp_path: Path
) -> None:
    arguments = {name: str(models.get(value, value)) if name == "model" else value for name, value in arguments.items()}
    with pytest.raises(error, match=words):
        _generate(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_a_generator_is_described_and_verified(models: dict[str, Path]) -> None:
    found = execute("models", {"action": "verify", "model": str(models["slice-vae"])}, Progress())["models"]
    assert found[0]["task"] == "generation"
