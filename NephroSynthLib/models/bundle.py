"""A model bundle: one safetensors file with the weights of a model and a header that describes it.

The header holds two entries: `nephrosynth`, the metadata as JSON, and `sha256`, a digest of that text and of all
tensors. No pickle is ever read. This file knows no method: each method reads its own configuration from the header.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from NephroSynthLib.errors import Action, ModelError
from NephroSynthLib.files.staging import staged_file
from NephroSynthLib.imaging.window import LOWER_HU, UPPER_HU
from NephroSynthLib.wording import in_words, place_of

FORMAT_VERSION = 2
WEIGHTS = Path(__file__).parent / "weights"
SUFFIX = ".safetensors"

Task = Literal["segmentation", "synthesis", "generation"]
SEGMENTER = "swin-diffusion"
"""The method of segmentation bundles. Those of synthesis name one of `NephroSynthLib.methods.registry`, and those of
generation one of `NephroSynthLib.generators.roster`."""

Configuration = TypeVar("Configuration", bound=BaseModel)
Module = TypeVar("Module", bound=nn.Module)

_METADATA, _DIGEST = "nephrosynth", "sha256"
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class BundleMetadata(BaseModel):
    """The content of a bundle's header.

    Attributes:
        name: Unique name of the model, as in `--model`.
        task: The stage that the model serves.
        method: Name of the method, which reads the configuration.
        title: The method and its paper, for people.
        configuration: The method's own configuration, such as its network and diffusion process.
        window_hu: The HU range that the model maps to [-1, 1].
        normalization: Further preprocessing that the model expects, such as channels and voxel sizes, for people.
        training: Data, command, seed, steps, duration, hardware, date, library version.
        results: Figures on held-out exams.
        licence: SPDX identifier of the weights' licence.
        format_version: Version of the file's layout.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    task: Task
    method: str
    title: str
    configuration: dict[str, JsonValue]
    window_hu: tuple[float, float]
    normalization: dict[str, JsonValue]
    training: dict[str, JsonValue]
    results: dict[str, JsonValue]
    licence: str
    format_version: int = Field(FORMAT_VERSION, ge=1, le=FORMAT_VERSION)


class _FirstFormat(BaseModel):
    """The header of format 1, which knew one method for each task and one window."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    task: Task
    method: str
    network: dict[str, JsonValue]
    diffusion: dict[str, JsonValue]
    preprocessing: dict[str, JsonValue]
    training: dict[str, JsonValue]
    results: dict[str, JsonValue]
    licence: str
    format_version: Literal[1]

    def upgraded(self) -> BundleMetadata:
        """Returns the same in the present format; the version stays that of the file."""
        return BundleMetadata(
            name=self.name,
            task=self.task,
            method="dssnict" if self.task == "synthesis" else SEGMENTER,
            title=self.method,
            configuration={"network": self.network, "diffusion": self.diffusion},
            window_hu=(LOWER_HU, UPPER_HU),
            normalization={name: value for name, value in self.preprocessing.items() if name != "window_hu"},
            training=self.training,
            results=self.results,
            licence=self.licence,
            format_version=1,
        )


@dataclass(frozen=True)
class ModelBundle:
    """A verified bundle in memory.

    Attributes:
        path: The file.
        metadata: The content of its header.
        sha256: Digest of metadata and tensors, hexadecimal.
        tensors: The weights, in the stored type.
    """

    path: Path
    metadata: BundleMetadata
    sha256: str
    tensors: dict[str, Tensor]

    def configuration(self, kind: type[Configuration]) -> Configuration:
        """Returns the configuration that the header holds.

        Args:
            kind: The configuration of the method that the header names.

        Raises:
            ModelError: The header holds no such configuration.
        """
        try:
            return kind.model_validate_json(json.dumps(self.metadata.configuration))
        except ValidationError as error:
            raise _bad_header(self.path, error) from error

    def load_into(self, build: Callable[[], Module]) -> Module:
        """Returns a module with the bundle's weights.

        Args:
            build: Makes the module that the configuration describes. Memory for it is taken only if the weights fit.

        Raises:
            ModelError: The weights do not fit the module.
        """
        with torch.device("meta"):
            wanted = {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
        _check_tensors(self.path, self.tensors, wanted)
        module = build()
        module.load_state_dict(self.tensors)
        return module


def save_bundle(
    path: Path | str,
    state_dict: Mapping[str, Tensor],
    metadata: BundleMetadata,
    dtype: torch.dtype = torch.float16,
) -> str:
    """Writes a bundle in the present format under a temporary name and renames it.

    Args:
        path: Target, ending in .safetensors; an existing file is replaced.
        state_dict: Weights of the module that the metadata's configuration describes.
        metadata: Description of the weights.
        dtype: Floating type to store the weights in.

    Returns:
        The bundle's sha256.

    Raises:
        ModelError: The weights are not finite in `dtype`.
    """
    path = Path(path)
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in state_dict.items()}
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelError(f"The weights {_some(broken)} are not finite as {dtype}.", Action.CHECK_TRAINING)
    text = metadata.model_copy(update={"format_version": FORMAT_VERSION}).model_dump_json()
    digest = _digest(text, tensors)
    data = save(tensors, {_METADATA: text, _DIGEST: digest})
    with staged_file(path) as temporary:
        temporary.write_bytes(data)
    return digest


def load_bundle(name_or_path: Path | str, task: Task | None = None) -> ModelBundle:
    """Reads a bundle and checks its header, format and digest.

    Args:
        name_or_path: Name of a bundled model, or a path.
        task: The stage that wants it; None takes any.

    Raises:
        ModelError: The bundle is unknown, damaged, truncated, foreign, newer than this library, or made for another
            task.

    Example:
        >>> load_bundle("nephrographic-synthesizer", "synthesis").metadata.method
        'dssnict'
    """
    path = find_bundle(name_or_path)
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata, text, claimed = _read_header(path, file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    digest = _digest(text, tensors)
    if digest != claimed:
        raise ModelError(
            f"The model file {path} is damaged: its sha256 is {digest}, its header says {claimed}.",
            Action.GET_MODEL_AGAIN,
        )
    if task is not None:
        _refuse_other_task(path, metadata, task)
    return ModelBundle(path, metadata, digest, tensors)


def check_task(name_or_path: Path | str, task: Task) -> None:
    """Checks from its header alone that a bundle is made for a task, before any work is done for it.

    Raises:
        ModelError: As `load_bundle`, for all but the tensors.
    """
    path = find_bundle(name_or_path)
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata, _, _ = _read_header(path, file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    _refuse_other_task(path, metadata, task)


def list_bundles() -> dict[str, Path]:
    """Returns the names and files of the bundled models, sorted by name."""
    return {path.stem: path for path in sorted(WEIGHTS.glob(f"*{SUFFIX}"))}


def find_bundle(name_or_path: Path | str) -> Path:
    """Returns the file of a bundled model's name, or the path itself.

    Raises:
        ModelError: There is no such model and no such file.
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
            start = file.read(9)
    except OSError as error:
        raise ModelError(
            f"The model file {path} cannot be read ({error.strerror}).", Action.CHECK_PERMISSIONS
        ) from error
    # The length of a safetensors header may begin like a pickle, but its ninth byte opens a JSON object.
    if start.startswith(_PICKLE_STARTS) and start[8:] != b"{":
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
        if version == 1:
            return _FirstFormat.model_validate_json(text).upgraded(), text, header[_DIGEST]
        return BundleMetadata.model_validate_json(text), text, header[_DIGEST]
    except (ValidationError, ValueError, AttributeError, RecursionError) as error:
        raise _bad_header(path, error) from error


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"The model file {path} is damaged or cut short ({error}).", Action.GET_MODEL_AGAIN)


def _refuse_other_task(path: Path, metadata: BundleMetadata, task: Task) -> None:
    if metadata.task != task:
        raise ModelError(
            f"The model {metadata.name} ({path}) is made for {metadata.task}, not for {task}.", Action.CHOOSE_MODEL
        )


def _bad_header(path: Path, error: Exception) -> ModelError:
    reason = "it is no JSON object"
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        reason = f"{place_of(problem)} {in_words(problem)}".strip()
    return ModelError(
        f"The metadata of the model file {path} is damaged or incomplete ({reason}).", Action.GET_MODEL_AGAIN
    )


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> None:
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
