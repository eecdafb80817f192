"""The jobs that tell which models and devices there are: `models`, and `inventory` for Slicer's panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.jobs.request import Flag, Request, Summary
from NephroSynthLib.progress import Progress

_ARGUMENT = Flag(positional=True)


class ModelsRequest(Request):
    """Lists the bundled models, shows one, or verifies one or all."""

    action: Annotated[Literal["list", "show", "verify"], _ARGUMENT] = Field("list", description="The action.")
    model: Annotated[str | None, _ARGUMENT] = Field(
        None, description="Name of a bundled model, or a .safetensors bundle."
    )

    @model_validator(mode="after")
    def _check_named(self) -> ModelsRequest:
        if self.action == "show" and self.model is None:
            raise UsageError("The model to show is not named.", Action.CHOOSE_MODEL)
        return self


def describe_models(request: ModelsRequest, progress: Progress) -> Summary:
    """Describes models; `verify` also reads their weights and checks their digest.

    Returns:
        `action`: as in the request; `models`: for each its path, digest and the header of its bundle.
    """
    from NephroSynthLib.models.bundle import list_bundles

    names = list(list_bundles()) if request.model is None else [request.model]
    if request.action == "verify":
        for index, name in enumerate(names):
            progress.stage("read").update(index / len(names), name)
            _verify(name)
    return {"action": request.action, "models": [describe(name) for name in names], "warnings": []}


def _verify(name: str) -> None:
    """Reads a bundle, builds its network and runs it once."""
    from NephroSynthLib.models.bundle import load_bundle

    if load_bundle(name).metadata.task == "generation":
        from NephroSynthLib.generators.roster import verify_generator

        verify_generator(name)
    else:
        from NephroSynthLib.methods.registry import verify_bundle

        verify_bundle(name)


class InventoryRequest(Request):
    """Lists the devices of this machine, the bundled models, and other segmenters."""


def inventory(request: InventoryRequest, progress: Progress) -> Summary:
    """Lists devices and models.

    Returns:
        `devices`: name as in the setting `device`, title, bytes free; `models`: as the job `models` describes them;
        `segmenters`: the names of other segmenters that are installed.
    """
    from NephroSynthLib.models.bundle import list_bundles
    from NephroSynthLib.segmentation.total_segmentator import TOTALSEGMENTATOR, is_installed

    described = [describe(name) for name in list_bundles()]
    progress.stage("read").update(0.9, "Devices")
    others = [TOTALSEGMENTATOR] if is_installed() else []
    return {"devices": _devices(), "models": described, "segmenters": others, "warnings": []}


def describe(model: str | Path) -> Summary:
    """Returns the path, the digest and the header of a bundle."""
    from NephroSynthLib.models.bundle import load_bundle

    bundle = load_bundle(model)
    return {"path": str(bundle.path), "sha256": bundle.sha256, **bundle.metadata.model_dump(mode="json")}


def _devices() -> list[Summary]:
    import torch

    from NephroSynthLib.models.device import free_memory

    found = [{"name": "cpu", "title": "CPU", "free_bytes": free_memory(torch.device("cpu"))}]
    if torch.backends.mps.is_available():
        found.insert(0, {"name": "mps", "title": "Apple GPU", "free_bytes": free_memory(torch.device("mps"))})
    for index in reversed(range(torch.cuda.device_count())):
        title, free = torch.cuda.get_device_name(index), free_memory(torch.device("cuda", index))
        found.insert(0, {"name": f"cuda:{index}", "title": title, "free_bytes": free})
    return found
