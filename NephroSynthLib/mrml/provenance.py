"""The origin of a node, in its attributes, which a saved scene keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import slicer

COMPARISON = "NephroSynth.Comparison"
"""The attribute of volumes that exist only for display."""

_PREFIX = "NephroSynth."
_SUMMARY = f"{_PREFIX}Summary"
_INPUT = f"{_PREFIX}Input."


def set_provenance(
    node: slicer.vtkMRMLNode, summary: Mapping[str, Any], inputs: Mapping[str, slicer.vtkMRMLNode] | None = None
) -> None:
    """Stores in a node how it was made.

    Args:
        node: A node that a run made.
        summary: The content of the run's `result.json`.
        inputs: The input nodes of the run, by role, such as 'Noncontrast'. They are stored as node references too.
    """
    settings = summary.get("settings") or {}
    values = {
        "Notice": summary.get("notice"),
        "Made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "Version": (summary.get("versions") or {}).get("NephroSynth"),
        "Seed": settings.get("seed"),
        "Registration": summary["registration"].get("mode"),
        "RegistrationPassed": summary["registration"].get("passed"),
        "Sampler": summary["synthesis"].get("sampler"),
        "Steps": summary["synthesis"].get("steps"),
        "Samples": summary["synthesis"].get("samples"),
    }
    for stage, model in (summary.get("model") or {}).items():
        values[f"Model.{stage}"] = f"{model['name']} {model['sha256']}".strip()
    _forget(node)
    for key, value in values.items():
        if value is not None:
            node.SetAttribute(_PREFIX + key, str(value))
    node.SetAttribute(_SUMMARY, json.dumps(summary, ensure_ascii=True))
    for role, source in (inputs or {}).items():
        node.SetAttribute(_INPUT + role, source.GetName())
        if source.GetScene() is not None:
            node.SetNodeReferenceID(f"{_PREFIX}{role}", source.GetID())


def _forget(node: slicer.vtkMRMLNode) -> None:
    """Removes the inputs and models of an earlier run."""
    for name in list(node.GetAttributeNames()):
        if name.startswith(_INPUT):
            node.RemoveNodeReferenceIDs(_PREFIX + name.removeprefix(_INPUT))
        if name.startswith((_INPUT, f"{_PREFIX}Model.")):
            node.RemoveAttribute(name)


def provenance(node: slicer.vtkMRMLNode) -> dict[str, str]:
    """The attributes of `set_provenance`, without the summary. Empty for a node that NephroSynth did not make."""
    if not node.GetAttribute(_SUMMARY):
        return {}
    names = [name for name in node.GetAttributeNames() if name.startswith(_PREFIX) and name != _SUMMARY]
    return {name.removeprefix(_PREFIX): node.GetAttribute(name) for name in names}


def run_summary(node: slicer.vtkMRMLNode) -> dict[str, Any] | None:
    """The summary of the run that made a node. None for a node that NephroSynth did not make."""
    text = node.GetAttribute(_SUMMARY)
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
