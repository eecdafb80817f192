"""Moves the kidneys of the excretory phase by hand: a transform with handles for each kidney, blended into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import slicer
import vtk

from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.run_nodes import ROLE
from NephroSynthLib.mrml.transform_nodes import transforms_above
from NephroSynthLib.mrml.views import Ras

BY_HAND = "nudge"
BLEND_MM = 35.0
"""Between the kidneys and this distance from them, the motions fade. Beyond it, the body stays."""

_NAMES = {"right": _("EP right kidney"), "left": _("EP left kidney")}
_REFERENCE = "NephroSynth."
_ANCHORS = 5


class KidneyNudge:
    """Transforms with handles, one for each kidney, and above the excretory phase one transform that blends them.

    The blend is a thin-plate spline. It moves each kidney as its handles do, within a millimetre or two, and keeps the
    body that lies 35 mm or more from the kidneys. VTK evaluates it in each view, so the image follows the handles at
    once.

    Args:
        scene: The scene that takes new transforms.
        volume: The excretory phase. The blend becomes the uppermost transform above it, if it is not there yet.
        fixed: The non-contrast phase, which must not move.
        kidneys: Points in and around each kidney of the non-contrast phase, by side, RAS mm in the world.

    Attributes:
        blend: The transform above the excretory phase.

    Raises:
        UsageError: If both phases lie under one transform.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        volume: slicer.vtkMRMLVolumeNode,
        fixed: slicer.vtkMRMLVolumeNode,
        kidneys: Mapping[str, Sequence[Ras]],
    ) -> None:
        self._scene, self._kidneys = scene, kidneys
        above = transforms_above(volume)
        if set(above) & set(transforms_above(fixed)):
            raise UsageError(_("Both phases lie under one transform, so they move together."), Action.HARDEN_TRANSFORM)
        found = [node for node in above if node.GetAttribute(ROLE) == BY_HAND]
        self.blend = found[0] if found else self._new(above[-1] if above else volume)
        bounds = [0.0] * 6
        fixed.GetRASBounds(bounds)
        self._anchors = [point for point in _lattice(bounds) if not any(_is_near(point, k) for k in kidneys.values())]

    def handle(self, side: str) -> slicer.vtkMRMLLinearTransformNode:
        """The transform of a kidney, with its handles in the middle of the kidney. It is made at the first call.

        Args:
            side: 'right' or 'left', one of the given kidneys.
        """
        node = self.blend.GetNodeReference(_REFERENCE + side)
        if node is None:
            name = self._scene.GenerateUniqueName(_NAMES[side])
            node = self._scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
            points = self._kidneys[side]
            node.SetCenterOfTransformation([sum(values) / len(points) for values in zip(*points, strict=True)])
            self.blend.SetNodeReferenceID(_REFERENCE + side, node.GetID())
        return node

    def update(self) -> None:
        """Blends the transforms of the kidneys as they are now."""
        at_rest, moved = vtk.vtkPoints(), vtk.vtkPoints()
        for side, points in self._kidneys.items():
            back = vtk.vtkMatrix4x4()
            node = self.blend.GetNodeReference(_REFERENCE + side)
            if node is not None:
                node.GetMatrixTransformFromParent(back)
            for point in points:
                at_rest.InsertNextPoint(point)
                moved.InsertNextPoint(back.MultiplyPoint((*point, 1.0))[:3])
        for point in self._anchors:
            at_rest.InsertNextPoint(point)
            moved.InsertNextPoint(point)
        spline = vtk.vtkThinPlateSplineTransform()
        spline.SetBasisToR()
        spline.SetSourceLandmarks(at_rest)
        spline.SetTargetLandmarks(moved)
        self.blend.SetAndObserveTransformFromParent(spline)

    def _new(self, lowest: slicer.vtkMRMLTransformableNode) -> slicer.vtkMRMLTransformNode:
        name = self._scene.GenerateUniqueName(_("EP kidneys by hand"))
        node = self._scene.AddNewNodeByClass("vtkMRMLTransformNode", name)
        node.SetAttribute(ROLE, BY_HAND)
        lowest.SetAndObserveTransformNodeID(node.GetID())
        return node


def _lattice(bounds: Sequence[float]) -> list[Ras]:
    steps = [index / (_ANCHORS - 1) for index in range(_ANCHORS)]
    axes = [[low + step * (high - low) for step in steps] for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    return [(x, y, z) for x, y, z in product(*axes)]


def _is_near(point: Ras, kidney: Sequence[Ras]) -> bool:
    """Whether a point is less than `BLEND_MM` away from the box around a kidney."""
    away = (
        max(min(values) - value, value - max(values), 0.0)
        for value, values in zip(point, zip(*kidney, strict=True), strict=True)
    )
    return sum(distance**2 for distance in away) < BLEND_MM**2
