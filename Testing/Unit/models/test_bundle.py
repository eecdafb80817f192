from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import load, save
from torch import Tensor, nn

from NephroSynthLib.errors import ModelError
from NephroSynthLib.models import bundle as module
from NephroSynthLib.models.bundle import (
    FORMAT_VERSION,
    BundleMetadata,
    ModelBundle,
    check_task,
    list_bundles,
    load_bundle,
    save_bundle,
)


class Configuration(BaseModel):
    """Of a method that is a linear layer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: int = Field(ge=1, le=10**6)
    sizes: tuple[int, ...] = ()

    def build(self) -> nn.Linear:
        return nn.Linear(self.inputs, 2)


METADATA = BundleMetadata(
    name="small",
    task="synthesis",
    method="linear",
    title="Linear regression",
    configuration={"inputs": 30, "sizes": [1, 2]},
    window_hu=(-150, 250),
    normalization={"spacing_mm": {"lowest": [0.7, 0.7, 1.0], "highest": [1.5, 1.5, 5.0]}},
    training={"seed": 1, "steps": 10, "hardware": "two cores", "data": "simulated"},
    results={"psnr_db": 26.3},
    licence="Apache-2.0",
)
FIRST_FORMAT = {
    "name": "old",
    "task": "synthesis",
    "method": "dsSNICT (arXiv 2502.19623), small",
    "network": {"channels": [8, 8]},
    "diffusion": {"steps": 100},
    "preprocessing": {"window_hu": [-150.0, 250.0], "spacing_mm": "0.6-1.6"},
    "training": {"data": "simulated"},
    "results": {},
    "licence": "Apache-2.0",
    "format_version": 1,
}


def _network(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return Configuration(inputs=30).build()


def _restored(bundle: ModelBundle) -> nn.Linear:
    return bundle.load_into(bundle.configuration(Configuration).build)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_bundle(path, _network().state_dict(), METADATA)
    return path


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _with_header(header: dict[str, Any] | bytes, tensors: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors


def _resign(path: Path, metadata: dict[str, Any] | None = None, tensors: dict[str, Tensor] | None = None) -> None:
    """Rewrites a bundle with other content and the digest that belongs to it."""
    header = _header(path.read_bytes())[0]["__metadata__"]
    text = header["nephrosynth"] if metadata is None else json.dumps(metadata)
    tensors = load(path.read_bytes()) if tensors is None else tensors
    path.write_bytes(save(tensors, {"nephrosynth": text, "sha256": module._digest(text, tensors)}))


def _metadata(path: Path) -> dict[str, Any]:
    return json.loads(_header(path.read_bytes())[0]["__metadata__"]["nephrosynth"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_is_saved_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    network, target = _network(), tmp_path / "new folder" / "a.safetensors"
    target.parent.mkdir()
    digest = save_bundle(target, network.state_dict(), METADATA, dtype)
    loaded = load_bundle(target)
    assert isinstance(loaded, ModelBundle)
    assert (loaded.metadata, loaded.sha256, loaded.path) == (METADATA, digest, target)
    for name, tensor in _restored(loaded).state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, network.state_dict()[name].to(dtype).float())


def test_the_module_computes_as_the_one_that_was_saved(path: Path) -> None:
    x = torch.randn(4, 30, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(_restored(load_bundle(path))(x), _network()(x), atol=5e-3)


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    same = [save_bundle(tmp_path / f"{index}.safetensors", _network().state_dict(), METADATA) for index in range(2)]
    other = save_bundle(tmp_path / "other.safetensors", _network(1).state_dict(), METADATA)
    renamed = METADATA.model_copy(update={"name": "renamed"})
    assert same[0] == same[1]
    assert len({same[0], other, save_bundle(tmp_path / "renamed.safetensors", _network().state_dict(), renamed)}) == 3


def test_a_failed_save_leaves_the_old_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Exception, match="disk is full"):
        save_bundle(path, _network(1).state_dict(), METADATA)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    weights = _network().state_dict()
    weights["bias"] = torch.full_like(weights["bias"], 1e5)
    with pytest.raises(ModelError, match=r"bias are not finite as torch\.float16"):
        save_bundle(tmp_path / "a.safetensors", weights, METADATA)
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_another_task_is_refused(path: Path) -> None:
    assert load_bundle(path, "synthesis").metadata.task == "synthesis"
    with pytest.raises(ModelError, match=r"small .* made for synthesis, not for segmentation"):
        load_bundle(path, "segmentation")


def test_the_task_is_checked_without_the_tensors(path: Path) -> None:
    check_task(path, "synthesis")
    with pytest.raises(ModelError, match=r"small .* made for synthesis, not for segmentation"):
        check_task(path, "segmentation")
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ModelError, match="damaged or cut short"):
        check_task(path, "synthesis")


def test_bundled_models_go_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WEIGHTS", path.parent)
    assert list_bundles() == {"small": path}
    assert load_bundle("small").path == path
    with pytest.raises(ModelError, match=r"no model 'large'.*bundled models .small."):
        load_bundle("large")


def test_a_bundle_of_format_1_loads(path: Path) -> None:
    _resign(path, FIRST_FORMAT)
    metadata = load_bundle(path).metadata
    assert (metadata.task, metadata.method, metadata.format_version) == ("synthesis", "dssnict", 1)
    assert metadata.title == FIRST_FORMAT["method"]
    assert metadata.configuration == {part: FIRST_FORMAT[part] for part in ("network", "diffusion")}
    assert metadata.window_hu == (-150, 250)
    assert "window_hu" not in metadata.normalization


def test_a_bundle_of_format_1_is_saved_in_the_present_format(path: Path, tmp_path: Path) -> None:
    _resign(path, FIRST_FORMAT)
    old = load_bundle(path)
    save_bundle(tmp_path / "new.safetensors", old.tensors, old.metadata)
    new = load_bundle(tmp_path / "new.safetensors")
    assert new.metadata == old.metadata.model_copy(update={"format_version": FORMAT_VERSION})
    assert new.metadata.normalization == {"spacing_mm": "0.6-1.6"}


def test_every_cut_is_noticed(path: Path) -> None:
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    cuts = {0, 1, 7, 8, 9, header - 1, header, header + 1, len(data) - 1, *range(0, len(data), len(data) // 60)}
    for cut in sorted(cuts):
        path.write_bytes(data[:cut])
        with pytest.raises(ModelError, match=str(path)):
            load_bundle(path)


def test_anything_after_the_end_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="damaged"):
        load_bundle(path)


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_flipped_bit_is_noticed(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    end = data.draw(st.sampled_from([8, header, len(content)]))
    position, bit = data.draw(st.integers(0, end - 1)), data.draw(st.integers(0, 7))
    content[position] ^= 1 << bit
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content)
    with pytest.raises(ModelError):
        load_bundle(damaged)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "random.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load_bundle(path)


def _of_another_program(data: bytes) -> bytes:
    return save(load(data), {"format": "pt"})


def _torch_file(data: bytes) -> bytes:
    buffer = io.BytesIO()
    torch.save(load(data), buffer)
    return buffer.getvalue()


def _pickle(data: bytes) -> bytes:
    return pickle.dumps({"weights": [1.0]})


def _zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.safetensors", data)
    return buffer.getvalue()


def _huge_header(data: bytes) -> bytes:
    return (2**62).to_bytes(8, "little") + data[8:]


def _deep_header(data: bytes) -> bytes:
    return _with_header(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"")


def _list_header(data: bytes) -> bytes:
    return _with_header(b"[1, 2, 3]", b"")


def _overlapping_tensors(data: bytes) -> bytes:
    header, tensors = _header(data)
    for entry in header.values():
        if "data_offsets" in entry:
            entry["data_offsets"] = [0, entry["data_offsets"][1] - entry["data_offsets"][0]]
    return _with_header(header, tensors)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_of_another_program, "safetensors file of another program"),
        (_torch_file, "PyTorch or zip file"),
        (_pickle, "PyTorch or zip file"),
        (_zip, "PyTorch or zip file"),
        (_huge_header, "damaged"),
        (_deep_header, "damaged"),
        (_list_header, "damaged"),
        (_overlapping_tensors, "damaged"),
        (lambda data: b"", "damaged"),
        (lambda data: b"CT urography\n" * 100, "damaged"),
    ],
)
def test_foreign_files_are_refused(path: Path, make: Callable[[bytes], bytes], message: str) -> None:
    path.write_bytes(make(path.read_bytes()))
    with pytest.raises(ModelError, match=message) as refusal:
        load_bundle(path)
    assert refusal.value.exit_code == 3
    assert refusal.value.action


@pytest.mark.parametrize("start", [b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"])
def test_a_header_whose_length_looks_like_a_pickle_is_read(path: Path, start: bytes) -> None:
    note = "x"
    while path.read_bytes()[:2] != start:
        missing = (int.from_bytes(start, "little") - int.from_bytes(path.read_bytes()[:2], "little")) % 2**16
        note += "x" * max(1, missing)
        save_bundle(path, _network().state_dict(), METADATA.model_copy(update={"licence": note}))
        assert len(note) < 2**17
    assert load_bundle(path).metadata.licence == note


def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    for wrong in (tmp_path, tmp_path / "missing.safetensors", ""):
        with pytest.raises(ModelError, match="no model"):
            load_bundle(wrong)


def test_a_newer_format_asks_for_an_update(path: Path) -> None:
    _resign(path, {"format_version": FORMAT_VERSION + 1, "another": "layout"})
    with pytest.raises(ModelError, match="Update NephroSynth"):
        load_bundle(path)


def test_a_wrong_digest_is_refused(path: Path) -> None:
    header = _header(path.read_bytes())[0]["__metadata__"]
    path.write_bytes(save(load(path.read_bytes()), header | {"sha256": "0" * 64}))
    with pytest.raises(ModelError, match="sha256"):
        load_bundle(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "name must be a text"),
        ({"task": "detection"}, "task must be 'segmentation', 'synthesis' or 'generation'"),
        ({"unknown": 1}, "unknown is unknown"),
        ({"window_hu": [0]}, "window_hu has too few values"),
        ({"format_version": 0}, "format_version must be at least 1"),
        ({"format_version": "2"}, "format_version must be a whole number"),
        (FIRST_FORMAT, "title is unknown"),
        ({**FIRST_FORMAT, "network": 3}, "network must be a group of settings"),
    ],
)
def test_metadata_that_cannot_be_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    _resign(path, _metadata(path) | changes)
    with pytest.raises(ModelError, match=message) as refusal:
        load_bundle(path)
    assert "damaged or incomplete" in refusal.value.what


@pytest.mark.parametrize(
    ("configuration", "message"),
    [({}, "inputs"), ({"inputs": 30, "more": 1}, "more"), ({"inputs": 30.5}, "inputs"), ({"inputs": 10**9}, "inputs")],
)
def test_a_configuration_of_another_method_is_refused(path: Path, configuration: dict[str, Any], message: str) -> None:
    _resign(path, _metadata(path) | {"configuration": configuration})
    with pytest.raises(ModelError, match=f"damaged or incomplete .{message}"):
        load_bundle(path).configuration(Configuration)


@pytest.mark.parametrize("text", ["null", "[]", "1", "{", '"text"', '{"a":' * 50_000 + "1" + "}" * 50_000, "{}"])
def test_metadata_that_is_not_an_object_is_refused(path: Path, text: str) -> None:
    tensors = load(path.read_bytes())
    path.write_bytes(save(tensors, {"nephrosynth": text, "sha256": module._digest(text, tensors)}))
    with pytest.raises(ModelError, match="metadata"):
        load_bundle(path)


def _drop(tensors: dict[str, Tensor]) -> None:
    del tensors["weight"]


def _add(tensors: dict[str, Tensor]) -> None:
    tensors["intruder"] = torch.zeros(3)


def _reshape(tensors: dict[str, Tensor]) -> None:
    tensors["weight"] = tensors["weight"].flatten()


def _to_integers(tensors: dict[str, Tensor]) -> None:
    tensors["weight"] = tensors["weight"].to(torch.int8)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_drop, r"weight missing"),
        (_add, "intruder unknown"),
        (_reshape, r"weight of the wrong shape"),
        (_to_integers, "not floating-point"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    path: Path, spoil: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    tensors = load(path.read_bytes())
    spoil(tensors)
    _resign(path, tensors=tensors)
    bundle = load_bundle(path)
    with pytest.raises(ModelError, match=message):
        _restored(bundle)


def test_a_network_larger_than_its_file_takes_no_memory(path: Path) -> None:
    made = []

    def build() -> nn.Linear:
        made.append(nn.Linear(10**7, 10**6))  # 40 TB
        return made[-1]

    with pytest.raises(ModelError, match="of the wrong shape"):
        load_bundle(path).load_into(build)
    assert [layer.weight.device.type for layer in made] == ["meta"]
