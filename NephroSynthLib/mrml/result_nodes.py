"""Loads the result folder of a run into a scene, as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer

from NephroSynthLib.errors import Action, GeometryError, UnreadableInputError
from NephroSynthLib.files.outputs import REPORT, SUMMARY, TRANSFORM
from NephroSynthLib.imaging.grids import same_grid
from NephroSynthLib.mrml.display import set_ct_window, set_window
from NephroSynthLib.mrml.hierarchy import place_beside
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.provenance import set_provenance
from NephroSynthLib.mrml.run_order import ALL, NEW_NODES, Outputs
from NephroSynthLib.mrml.segmentation_nodes import Segments, attach_segments, prepare_segments
from NephroSynthLib.mrml.transform_nodes import transform_from_file
from NephroSynthLib.mrml.volume_nodes import Content, attach, prepare, read_image
from NephroSynthLib.session.steps import Step, Steps, in_background

SCHEMA_VERSION = 1
_SUFFIXES = (".nrrd", ".nii.gz")
_VOLUMES = {
    "synthetic": "synthetic_nephrographic",
    "excretory": "excretory_registered",
    "acquired": "acquired_registered",
    "uncertainty": "uncertainty",
}
_OPTIONAL = ("acquired", "uncertainty")
_LABELS = "kidneys"
_NAMES = {
    "synthetic": _("Synthetic NP"),
    "excretory": _("Registered EP"),
    "acquired": _("Acquired NP"),
    "uncertainty": _("NP uncertainty"),
    "kidneys": _("Kidneys"),
    "transform": _("EP to NC"),
}
"""Short names for views and charts. NC is the non-contrast phase, EP the excretory, NP the nephrographic phase.

The attributes of a node name the volumes that it was made of."""
_SHARE_OF_READING = 0.8
_UNCERTAINTY_WINDOW = (40.0, 20.0)
"""Width and level in grey, HU: standard deviations from 0 to 40 HU."""


@dataclass(frozen=True)
class LoadedResult:
    """The nodes of a loaded result. None for a result that was not wanted or not made.

    Attributes:
        summary: The content of `result.json`.
        report: The path of the HTML report, if the run wrote one.
    """

    synthetic: slicer.vtkMRMLScalarVolumeNode | None
    excretory: slicer.vtkMRMLScalarVolumeNode | None
    kidneys: slicer.vtkMRMLSegmentationNode | None
    transform: slicer.vtkMRMLTransformNode | None
    uncertainty: slicer.vtkMRMLScalarVolumeNode | None
    acquired: slicer.vtkMRMLScalarVolumeNode | None
    summary: dict[str, Any]
    report: Path | None


def load_result(
    scene: slicer.vtkMRMLScene,
    folder: Path,
    noncontrast_node: slicer.vtkMRMLScalarVolumeNode | None,
    outputs: Outputs = NEW_NODES,
    wanted: Collection[str] = ALL,
    inputs: Mapping[str, slicer.vtkMRMLNode] | None = None,
) -> Steps[LoadedResult]:
    """Loads the result of a run, step by step.

    All files are read and checked before the scene is changed. If a later step fails, or the generator is closed
    early, new nodes are removed and given nodes get their old content back.

    Args:
        scene: The scene that takes new nodes.
        folder: The result folder.
        noncontrast_node: The non-contrast phase, beside which new nodes are placed. None if the scene lacks it.
        outputs: The nodes to update.
        wanted: The results to load, of `ALL`.
        inputs: The input nodes of the run, by role, for the provenance.

    Returns:
        A generator of steps whose value is the `LoadedResult`.

    Raises:
        UnreadableInputError: While stepping, if a file is missing, damaged or of another version.
        GeometryError: While stepping, if the images do not share one grid.
    """
    summary = _summary(folder)
    paths = _paths(folder, wanted)
    contents: dict[str, Content] = {}
    segments: Segments | None = None
    grid: sitk.Image | None = None
    for index, (role, path) in enumerate(paths.items()):
        step = Step(_SHARE_OF_READING * index / len(paths), _("Reading {name}").format(name=path.name))
        yield step
        image = yield from in_background(partial(read_image, path), step)
        grid = grid if grid is not None else image
        if not same_grid(image, grid):
            raise GeometryError(
                _("The file '{name}' does not lie on the grid of the others.").format(name=path.name), Action.RUN_AGAIN
            )
        if role == "kidneys":
            segments = yield from in_background(partial(_segments, image, path), step)
        else:
            contents[role] = yield from in_background(partial(prepare, image), step)
    change = _SceneChange(scene, noncontrast_node, outputs)
    try:
        for role, content in contents.items():
            yield Step(_SHARE_OF_READING, _("Showing the volume: {name}").format(name=_NAMES[role]))
            change.set_volume(role, content)
        if segments is not None:
            yield Step(0.9, _("Showing the kidneys"))
            change.set_kidneys(segments)
        if "transform" in wanted:
            yield Step(0.95, _("Showing the transform"))
            change.set_transform(folder / TRANSFORM)
        yield Step(1.0, _("Loaded"))
    except BaseException:
        change.undo()
        raise
    change.describe(summary, inputs)
    report = folder / REPORT
    nodes = {role: change.nodes.get(role) for role in ALL}
    return LoadedResult(**nodes, summary=summary, report=report if report.is_file() else None)


class _SceneChange:
    """A change of the scene that can be undone."""

    def __init__(self, scene: slicer.vtkMRMLScene, source: slicer.vtkMRMLNode | None, outputs: Outputs) -> None:
        self._scene, self._source, self._outputs = scene, source, outputs
        self._undo: list[Callable[[], None]] = []
        self._new_nodes: list[slicer.vtkMRMLNode] = []
        self.nodes: dict[str, slicer.vtkMRMLNode] = {}

    def set_volume(self, role: str, content: Content) -> None:
        """Puts a volume into its node.

        The window is set before the voxels, because Slicer would otherwise compute one from all voxels.
        """
        node = self._given(role) or self._new(role, "vtkMRMLScalarVolumeNode")
        if role == "uncertainty":
            set_window(node, *_UNCERTAINTY_WINDOW)
        else:
            set_ct_window(node)
        _tell_units(node)
        attach(content, node)

    def set_kidneys(self, segments: Segments) -> None:
        """Puts the kidneys into their node."""
        node = self._given("kidneys") or self._new("kidneys", "vtkMRMLSegmentationNode")
        attach_segments(segments, node, self.nodes.get("synthetic"))

    def set_transform(self, path: Path) -> None:
        """Puts the transform into its node."""
        node = self._given("transform") or self._new("transform", "vtkMRMLTransformNode")
        transform_from_file(self._scene, path, node.GetName(), node)

    def describe(self, summary: Mapping[str, Any], inputs: Mapping[str, slicer.vtkMRMLNode] | None) -> None:
        """Stores the provenance in all nodes and places the new nodes beside the source."""
        given = inputs if inputs is not None else {} if self._source is None else {"Noncontrast": self._source}
        for node in self.nodes.values():
            set_provenance(node, summary, given)
        if self._source is not None and self._scene.IsNodePresent(self._source):
            for node in self._new_nodes:
                place_beside(node, self._source)

    def undo(self) -> None:
        """Restores the scene."""
        for action in reversed(self._undo):
            action()

    def _new(self, role: str, kind: str) -> slicer.vtkMRMLNode:
        name = self._scene.GenerateUniqueName(_NAMES[role])
        node = self._scene.AddNewNodeByClass(kind, name)
        self._undo.append(lambda: remove_node(self._scene, node))
        self._new_nodes.append(node)
        self.nodes[role] = node
        return node

    def _given(self, role: str) -> slicer.vtkMRMLNode | None:
        """The given node for a role, or None if it is not in the scene. Its present content is kept for `undo`."""
        node = getattr(self._outputs, role)
        if node is None or not self._scene.IsNodePresent(node):
            return None
        self._undo.append(_restorer(node))
        self.nodes[role] = node
        return node


def _restorer(node: slicer.vtkMRMLNode) -> Callable[[], None]:
    """Returns a function that gives a node its present content back.

    Loading replaces the voxels of a volume, so a shallow copy suffices. It empties a segmentation, so this is copied.
    """
    deep = node.IsA("vtkMRMLSegmentationNode")
    before = node.CreateNodeInstance()
    before.CopyContent(node, deep)
    parent = node.GetTransformNodeID()
    display = node.GetDisplayNode() if node.IsA("vtkMRMLDisplayableNode") else None
    display_before = None
    if display is not None:
        display_before = display.CreateNodeInstance()
        display_before.CopyContent(display, True)

    def restore() -> None:
        node.CopyContent(before, deep)
        node.SetAndObserveTransformNodeID(parent)
        if display is not None:
            display.CopyContent(display_before, True)

    return restore


def _tell_units(node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Stores that the values are HU, in the codes of DICOM, as Slicer does for a CT. Segment Statistics shows them."""
    quantity, units = slicer.vtkCodedEntry(), slicer.vtkCodedEntry()
    quantity.SetValueSchemeMeaning("112031", "DCM", "Attenuation Coefficient")
    units.SetValueSchemeMeaning("[hnsf'U]", "UCUM", "Hounsfield unit")
    node.SetVoxelValueQuantity(quantity)
    node.SetVoxelValueUnits(units)


def remove_node(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode) -> None:
    """Removes a node with its display nodes from a scene."""
    if node.IsA("vtkMRMLDisplayableNode"):
        for index in reversed(range(node.GetNumberOfDisplayNodes())):
            scene.RemoveNode(node.GetNthDisplayNode(index))
    scene.RemoveNode(node)


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        version = summary["schema_version"]
        complete = all(isinstance(summary[part], dict) for part in ("registration", "segmentation", "synthesis"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableInputError(_("The run has no readable 'result.json'."), Action.RUN_AGAIN) from error
    if version != SCHEMA_VERSION or not complete:
        raise UnreadableInputError(_("The run was made by another version of NephroSynth."), Action.RUN_AGAIN)
    return dict(summary)


def _paths(folder: Path, wanted: Collection[str]) -> dict[str, Path]:
    """The paths of the images of the wanted results, by role."""
    paths = {}
    for role, stem in {**_VOLUMES, "kidneys": _LABELS}.items():
        path = next(
            (folder / f"{stem}{suffix}" for suffix in _SUFFIXES if (folder / f"{stem}{suffix}").is_file()), None
        )
        if path is None and role not in _OPTIONAL:
            raise UnreadableInputError(
                _("The result of the run is incomplete: '{name}' is missing.").format(name=stem), Action.RUN_AGAIN
            )
        if path is not None and role in wanted:
            paths[role] = path
    if "transform" in wanted and not (folder / TRANSFORM).is_file():
        raise UnreadableInputError(
            _("The result of the run is incomplete: '{name}' is missing.").format(name=TRANSFORM), Action.RUN_AGAIN
        )
    return paths


def _segments(image: sitk.Image, path: Path) -> Segments:
    values = sitk.GetArrayViewFromImage(image)
    if image.GetNumberOfComponentsPerPixel() != 1 or values.min() < 0 or values.max() > 2:
        raise UnreadableInputError(
            _("The file '{name}' is no label map of kidneys.").format(name=path.name), Action.RUN_AGAIN
        )
    return prepare_segments(image)
