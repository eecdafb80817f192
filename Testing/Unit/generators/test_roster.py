from __future__ import annotations

from pathlib import Path

import pytest
import torch

from NephroSynthLib.errors import ModelError, UsageError
from NephroSynthLib.generators.latent_generator import LatentConfig
from NephroSynthLib.generators.roster import generator_class, restore_generator, verify_generator
from NephroSynthLib.generators.wgan_gp import WganGp
from NephroSynthLib.models.bundle import BundleMetadata, load_bundle, save_bundle

TINY = LatentConfig(latent=2, widths=(2, 2, 2, 2, 2, 2))


def _bundle(folder: Path, method: str = "wgan-gp", weight: float | None = None) -> Path:
    network = WganGp.build(TINY)
    state = network.state_dict() if weight is None else {k: v * 0 + weight for k, v in network.state_dict().items()}
    metadata = BundleMetadata(
        name="tiny", task="generation", method=method, title="", configuration=TINY.model_dump(mode="json"),
        window_hu=(-1024.0, 3071.0), normalization={}, training={}, results={}, licence="Apache-2.0",
    )  # fmt: skip
    save_bundle(folder / "tiny.safetensors", state, metadata, torch.float32)
    return folder / "tiny.safetensors"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no generator 'dssnict'; there are mt-ddpm, ascii-2"):
        generator_class("dssnict")


def test_a_bundle_of_an_unknown_or_another_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="uses the generator 'newer'"):
        restore_generator(load_bundle(_bundle(tmp_path, "newer")), "cpu")
    with pytest.raises(ModelError, match="do not fit"):
        restore_generator(load_bundle(_bundle(tmp_path, "pggan")), "cpu")


def test_a_generator_that_overflows_is_found(tmp_path: Path) -> None:
    assert verify_generator(_bundle(tmp_path)).metadata.method == "wgan-gp"
    with pytest.raises(ModelError, match="not finite"):
        verify_generator(_bundle(tmp_path, weight=1e38))
    with pytest.raises(ModelError, match="made for segmentation"):
        verify_generator("kidney-segmenter")
