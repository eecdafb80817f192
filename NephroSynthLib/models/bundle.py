"""A model bundle: one safetensors file with the weights of a denoiser and, in its header, what it is and how it came.

The header holds two entries: `nephrosynth`, the metadata as JSON, and `sha256`, a digest of that text and of all
tensors. No pickle is ever read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from NephroSynthLib.diffusion.denoiser import Denoiser, DiffusionConfig
from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.networks.swin_denoiser import SwinDenoiser, SwinDenoiserConfig

FORMAT_VERSION = 1
WEIGHTS = Path(__file__).parent / "weights"
SUFFIX = ".safetensors"

Task = Literal["segmentation", "synthesis"]

_METADATA, _DIGEST = "nephrosynth", "sha256"
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class BundleMetadata(BaseModel):
    """What a bundle says of itself.

    Attributes:
        name: unique name, as in `--model`.
        task: the stage it serves.
        method: the method it follows, such as 'dsSNICT'.
        network: architecture of the network.
        diffusion: schedule and parameterization.
        preprocessing: HU window, grid or spacing range that the network expects.
        training: data, command, seed, steps, duration, hardware, date, library version.
        results: figures on held-out exams.
        licence: SPDX identifier of the weights' licence.
        format_version: version of this layout.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    task: Task
    method: str
    network: SwinDenoiserConfig
    diffusion: DiffusionConfig
    preprocessing: dict[str, JsonValue]
    training: dict[str, JsonValue]
    results: dict[str, JsonValue]
    licence: str
    format_version: int = Field(FORMAT_VERSION, ge=1)

    @model_validator(mode="after")
    def _check_channels(self) -> BundleMetadata:
        wanted = self.network.image_channels * (2 if self.diffusion.learned_variance else 1)
        if self.network.out_channels != wanted:
            raise ValueError(f"the network gives {self.network.out_channels} channels, the diffusion needs {wanted}")
        return self


@dataclass(frozen=True)
class ModelBundle:
    """A verified bundle in memory.

    Attributes:
        path: the file.
        metadata: what it says of itself.
        sha256: digest of metadata and tensors, hexadecimal.
        tensors: the network's weights, in the stored type.
    """

    path: Path
    metadata: BundleMetadata
    sha256: str
    tensors: dict[str, Tensor]

    def build(self, device: torch.device | str = "cpu") -> Denoiser:
        """The denoiser, float32, in evaluation mode, without gradients, on a device."""
        network = SwinDenoiser(self.metadata.network)
        network.load_state_dict(self.tensors)
        denoiser = self.metadata.diffusion.wrap(network).to(device)
        return denoiser.eval().requires_grad_(False)


def save_bundle(
    path: Path | str,
    state_dict: Mapping[str, Tensor],
    metadata: BundleMetadata,
    dtype: torch.dtype = torch.float16,
) -> str:
    """Writes a bundle under a temporary name and renames it.

    Args:
        path: target, ending in .safetensors; an existing file is replaced.
        state_dict: weights of the network that `metadata.network` describes (`Denoiser.network.state_dict()`).
        metadata: what to say of them.
        dtype: floating type to store the weights in.

    Returns:
        The bundle's sha256.

    Raises:
        ModelError: the weights do not fit the described network, or are not finite in `dtype`.
    """
    path = Path(path)
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in state_dict.items()}
    _check_tensors(path, tensors, metadata.network)
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(f"The weights {_some(broken)} are not finite as {dtype}.", Action.CHECK_TRAINING)
    text = metadata.model_dump_json()
    digest = _digest(text, tensors)
    data = save(tensors, {_METADATA: text, _DIGEST: digest})
    with staged_file(path) as temporary:
        temporary.write_bytes(data)
    return digest


def load_bundle(name_or_path: Path | str, task: Task | None = None) -> ModelBundle:
    """Reads a bundle and checks all of it: header, version, digest, and tensors against the described network.

    Args:
        name_or_path: name of a bundled model, or a path.
        task: the stage that wants it; None takes any.

    Returns:
        The bundle.

    Raises:
        ModelError: unknown, damaged, truncated, foreign, newer than this library, or made for another task.
    """
    path = find_bundle(name_or_path)
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata, text, claimed = _read_header(path, file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"The model file {path} is damaged or cut short ({error}).", Action.GET_MODEL_AGAIN) from error
    digest = _digest(text, tensors)
    if digest != claimed:
        raise ModelError(
            f"The model file {path} is damaged: its sha256 is {digest}, its header says {claimed}.",
            Action.GET_MODEL_AGAIN,
        )
    _check_tensors(path, tensors, metadata.network)
    if task is not None and metadata.task != task:
        raise ModelError(
            f"The model {metadata.name} ({path}) is made for {metadata.task}, not for {task}.",
            Action.CHOOSE_MODEL,
        )
    return ModelBundle(path, metadata, digest, tensors)


def verify_bundle(name_or_path: Path | str) -> ModelBundle:
    """Loads a bundle, builds its network and runs it once on a small volume.

    Raises:
        ModelError: as `load_bundle`, or the network's output is not finite.
    """
    bundle = load_bundle(name_or_path)
    denoiser, network = bundle.build(), bundle.metadata.network
    shape = network.stride
    context = torch.zeros(1, network.context_features) if network.context_features else None
    steps = torch.tensor([denoiser.process.end])
    with torch.inference_mode():
        image = torch.zeros(1, network.image_channels, *shape)
        prediction = denoiser(image, steps, torch.zeros(1, network.condition_channels, *shape), context)
    if not prediction.clean.isfinite().all():
        raise ModelError(f"The model file {bundle.path} gives values that are not finite.", Action.GET_MODEL_AGAIN)
    return bundle


def list_bundles() -> dict[str, Path]:
    """Names and files of the bundled models, sorted by name."""
    return {path.stem: path for path in sorted(WEIGHTS.glob(f"*{SUFFIX}"))}


def find_bundle(name_or_path: Path | str) -> Path:
    """The file of a bundled model's name, or the path itself.

    Raises:
        ModelError: neither such a model nor such a file is there.
    """
    bundled = list_bundles()
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(bundled) or "none"
        raise ModelError(
            f"There is no model '{name_or_path}': it is neither a file nor one of the bundled models ({known}).",
            Action.CHOOSE_MODEL,
        )
    return path


def _refuse_pickle(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror}).", Action.CHECK_PERMISSIONS
        ) from error
    if start.startswith(_PICKLE_STARTS):
        raise ModelError(
            f"The model file {path} is a PyTorch or zip file, which can run code when it is read; "
            f"NephroSynth reads {SUFFIX} bundles only.",
            Action.CHOOSE_MODEL,
        )


def _read_header(path: Path, header: Mapping[str, str]) -> tuple[BundleMetadata, str, str]:
    if _METADATA not in header or _DIGEST not in header:
        raise ModelError(
            f"The model file {path} is a safetensors file of another program.",
            Action.CHOOSE_MODEL,
        )
    text = header[_METADATA]
    try:
        version = json.loads(text).get("format_version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ModelError(
                f"The model file {path} has format {version}; this NephroSynth reads up to {FORMAT_VERSION}.",
                Action.UPDATE,
            )
        return BundleMetadata.model_validate_json(text), text, header[_DIGEST]
    except (ValidationError, ValueError, AttributeError, RecursionError) as error:
        reason = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in reason["loc"])
        raise ModelError(
            f"The metadata of the model file {path} is damaged or incomplete ({where}: {reason['msg']}).",
            Action.GET_MODEL_AGAIN,
        ) from error


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], config: SwinDenoiserConfig) -> None:
    stored = sum(tensor.numel() for tensor in tensors.values())
    described = sum(2 * 27 * width**2 * blocks for width, blocks in zip(config.channels, config.blocks, strict=True))
    if described > stored:
        raise ModelError(
            f"The model file {path} holds {stored} weights, but describes a network of more than {described}.",
            Action.GET_MODEL_AGAIN,
        )
    wanted = {name: tuple(tensor.shape) for name, tensor in SwinDenoiser(config).state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found == wanted and all(tensor.is_floating_point() for tensor in tensors.values()):
        return
    missing, unknown = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    misshapen = [name for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    kinds = {"missing": missing, "unknown": unknown, "of the wrong shape": misshapen}
    reasons = [f"{_some(names)} {kind}" for kind, names in kinds.items() if names] or [
        "weights are not floating-point numbers"
    ]
    raise ModelError(
        f"The weights of the model file {path} do not fit the network it describes: {'; '.join(reasons)}.",
        Action.GET_MODEL_AGAIN,
    )


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
