"""What belongs to one run: its synthetic volume and, by references that a saved scene keeps, everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer
from slicer.i18n import tr as _

from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.provenance import run_summary

ROLE = "NephroSynth.Role"
SYNTHETIC = "synthetic"
_REFERENCE = "NephroSynth."
COMPUTED = ("difference", "checkerboard", "kidneyHUTable")
"""Roles of nodes that are computed from the volumes of a run when they are asked for."""


@dataclass(frozen=True)
class RunNodes:
    """The nodes of a run, found from its synthetic volume; None for those that are not there or were removed."""

    synthetic: slicer.vtkMRMLScalarVolumeNode

    def __getattr__(self, role: str) -> Any:
        if role not in ROLES:
            raise AttributeError(role)
        return self.synthetic.GetNodeReference(_REFERENCE + role)

    @property
    def summary(self) -> dict[str, Any]:
        """Of the run, as `result.json` has it."""
        return run_summary(self.synthetic) or {}

    @property
    def aligned(self) -> dict[str, Any]:
        """The volumes of the run that lie on each other, by the phase that they show."""
        found = {
            _("Non-contrast"): self.noncontrast,
            _("Excretory (registered)"): self.registered,
            _("Synthetic nephrographic"): self.synthetic,
            _("Acquired nephrographic"): self.acquired,
        }
        return {title: node for title, node in found.items() if node is not None}

    @property
    def reference(self) -> Any:
        """What the synthetic phase is compared with: the acquired phase, or else the registered excretory one."""
        return self.acquired or self.registered

    def remember(self, role: str, node: Any) -> None:
        """Notes a node of the run, or that there is none."""
        self.synthetic.SetNodeReferenceID(_REFERENCE + role, node.GetID() if node is not None else None)

    def add(self, role: str, node: Any) -> None:
        """Notes a node that was made for the run; one that is new is placed beside the synthetic volume."""
        if getattr(self, role) is not node:
            self.remember(role, node)
            place_beside(node, self.synthetic)


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


def run_nodes(synthetic: slicer.vtkMRMLScalarVolumeNode | None) -> RunNodes | None:
    """The run that made a volume; None if no run did."""
    if synthetic is None or synthetic.GetAttribute(ROLE) != SYNTHETIC:
        return None
    return RunNodes(synthetic)
