from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from NephroSynthLib.errors import ModelError, UsageError
from NephroSynthLib.methods.registry import METHODS, restore_method, trainable_method, verify_bundle
from NephroSynthLib.models.bundle import ModelBundle, list_bundles, load_bundle, save_bundle


def _changed(path: Path, **changes: Any) -> ModelBundle:
    bundle = load_bundle(path)
    return ModelBundle(path, bundle.metadata.model_copy(update=changes), bundle.sha256, bundle.tensors)


def test_the_names_of_methods_cost_no_torch() -> None:
    code = (
        "import sys; from NephroSynthLib.methods.registry import METHODS; print(*METHODS);"
        "heavy = {'torch', 'lightning', 'scipy', 'SimpleITK', 'numpy'} & set(sys.modules); sys.exit(bool(heavy))"
    )
    listed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert listed.stdout.split() == list(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_each_method_goes_by_its_own_name(name: str) -> None:
    module, _, kind = METHODS[name].where.partition(":")
    method = getattr(__import__(module, fromlist=[kind]), kind)
    assert method.name == name
    assert method.title
    assert method.window_hu[0] < method.window_hu[1]


def test_only_methods_that_learn_can_be_trained() -> None:
    assert trainable_method("dssnict").name == "dssnict"
    for name in ("kinetic", "no-such-method"):
        with pytest.raises(UsageError, match=f"'{name}' cannot be trained; these can: dssnict"):
            trainable_method(name)


def test_a_bundle_of_an_unknown_method_is_refused(small_model: Path) -> None:
    with pytest.raises(ModelError, match="uses the method 'novel', which this NephroSynth does not have"):
        restore_method(_changed(small_model, method="novel"), "cpu")


def test_a_bundle_of_another_window_is_refused(small_model: Path) -> None:
    with pytest.raises(ModelError, match=r"window \[-1024, 3071\] HU, the method 'dssnict' in \[-150, 250\] HU"):
        restore_method(_changed(small_model, window_hu=(-1024.0, 3071.0)), "cpu")


@pytest.mark.parametrize("name", list_bundles())
def test_every_bundled_model_is_whole(name: str) -> None:
    assert verify_bundle(name).metadata.name == name


def test_verifying_runs_the_network(small_model: Path, tmp_path: Path) -> None:
    assert verify_bundle(small_model).metadata.name == "small"
    bundle = load_bundle(small_model)
    tensors = load(small_model.read_bytes()) | {"stem.bias": torch.full_like(bundle.tensors["stem.bias"], 6e4)}
    tensors["stem.weight"] = torch.full_like(bundle.tensors["stem.weight"], 6e4)
    tensors["head.2.bias"] = torch.full_like(bundle.tensors["head.2.bias"], 6e4)
    save_bundle(tmp_path / "wild.safetensors", tensors, bundle.metadata)
    assert verify_bundle(tmp_path / "wild.safetensors")  # wild, but finite


def test_values_that_are_not_finite_are_noticed(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = load_bundle(small_model)
    broken.tensors["stem.bias"] = torch.full_like(broken.tensors["stem.bias"], torch.nan)
    monkeypatch.setattr("NephroSynthLib.models.bundle.load_bundle", lambda name: broken)
    with pytest.raises(ModelError, match="not finite"):
        verify_bundle(small_model)
