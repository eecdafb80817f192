"""The nodes of one run: its synthetic volume and, by node references that a saved scene keeps, everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.provenance import run_summary

ROLE = "NephroSynth.Role"
SYNTHETIC = "synthetic"
_REFERENCE = "NephroSynth."
COMPUTED = ("difference", "checkerboard", "kidneyHUTable")
"""Roles of nodes that are computed on demand from the volumes of a run."""
ROLES = frozenset(
    {
        "noncontrast",
        "excretory",
        "registered",
        "acquired",
        "kidneys",
        "transform",
        "uncertainty",
        "report",
        "registrationTable",
        "metricsTable",
        "kidneyHUTable",
        "checkerboard",
        "difference",
        "line",
        "profile",
        "histogram",
    }
)
"""Every node of a run except the synthetic volume is an attribute of `RunNodes` with one of these names."""


@dataclass(frozen=True)
class RunNodes:
    """The nodes of a run, found from its synthetic volume. An attribute is None if its node is missing.

    Attributes:
        synthetic: The synthetic volume.

    Example:
        >>> run = run_nodes(slicer.util.getNode("Synthetic NP"))
        >>> run.registered.GetName()
        'Registered EP'
    """

    synthetic: slicer.vtkMRMLScalarVolumeNode

    def __getattr__(self, role: str) -> Any:
        if role not in ROLES:
            raise AttributeError(role)
        return self.synthetic.GetNodeReference(_REFERENCE + role)

    @property
    def summary(self) -> dict[str, Any]:
        """The content of the run's `result.json`."""
        return run_summary(self.synthetic) or {}

    @property
    def region(self) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
        """The first voxel and the size of the synthesized region in x, y, z. None if the summary does not tell."""
        found = self.summary.get("synthesis", {})
        if "region_start" not in found or "region_size" not in found:
            return None
        (x, y, z), (width, height, depth) = found["region_start"], found["region_size"]
        return (x, y, z), (width, height, depth)

    @property
    def aligned(self) -> dict[str, slicer.vtkMRMLScalarVolumeNode]:
        """The volumes of the run on the common grid, by the title of their phase."""
        found = {
            _("Non-contrast"): self.noncontrast,
            _("Excretory (registered)"): self.registered,
            _("Synthetic nephrographic"): self.synthetic,
            _("Acquired nephrographic"): self.acquired,
        }
        return {title: node for title, node in found.items() if node is not None}

    @property
    def reference(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The volume to compare the synthetic phase with: the acquired phase, else the registered excretory phase."""
        return self.acquired or self.registered

    def remember(self, role: str, node: slicer.vtkMRMLNode | None) -> None:
        """Stores a node of the run, or removes it if None is given."""
        self.synthetic.SetNodeReferenceID(_REFERENCE + role, node.GetID() if node is not None else None)

    def add(self, role: str, node: slicer.vtkMRMLNode) -> None:
        """Stores a node that was made for the run. A new node is placed beside the synthetic volume."""
        if getattr(self, role) is not node:
            self.remember(role, node)
            place_beside(node, self.synthetic)


def run_nodes(synthetic: slicer.vtkMRMLScalarVolumeNode | None) -> RunNodes | None:
    """The nodes of the run that made a volume, or None if no run made it."""
    if synthetic is None or synthetic.GetAttribute(ROLE) != SYNTHETIC:
        return None
    return RunNodes(synthetic)
