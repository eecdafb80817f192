"""A saved scene keeps what NephroSynth put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.mrml.comparison import difference
from NephroSynthLib.mrml.kidney_segments import segment_ids
from NephroSynthLib.mrml.layouts import register_layouts, show_layout
from NephroSynthLib.mrml.plots import line_profile
from NephroSynthLib.mrml.provenance import provenance, run_summary
from NephroSynthLib.mrml.result_nodes import load_result
from NephroSynthLib.mrml.segmentation_nodes import labels_from_segmentation
from NephroSynthLib.mrml.tables import metrics_table
from NephroSynthLib.mrml.views import composites
from NephroSynthLib.mrml.volume_nodes import image_from_node, node_from_image

Scene = slicer.vtkMRMLScene
Save = Callable[[Scene, Path, Scene], None]


@pytest.fixture
def reloaded() -> Iterator[Scene]:
    scene = slicer.vtkMRMLScene()
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logic = slicer.vtkMRMLLayoutLogic()
    logic.SetMRMLScene(scene)
    register_layouts(scene)
    yield scene
    logic.SetMRMLScene(None)
    scene.Clear(True)


def _as_bundle(scene: Scene, folder: Path, other: Scene) -> None:
    assert scene.WriteToMRB(str(folder / "scene.mrb"))
    (folder / "unpacked").mkdir()
    other.SetURL(other.UnpackSlicerDataBundle(str(folder / "scene.mrb"), str(folder / "unpacked")))
    assert other.Connect()


def _as_files(scene: Scene, folder: Path, other: Scene) -> None:
    for index in range(scene.GetNumberOfNodes()):
        node = scene.GetNthNode(index)
        if node.IsA("vtkMRMLStorableNode") and node.GetSaveWithScene() and node.AddDefaultStorageNode() is not False:
            storage = node.GetStorageNode()
            if storage is None or (node.GetHideFromEditors() and not node.GetName().startswith("NephroSynth")):
                continue
            name = "".join(letter if letter.isalnum() else "_" for letter in node.GetName())
            storage.SetFileName(str(folder / f"{name}.{storage.GetDefaultWriteFileExtension()}"))
            assert storage.WriteData(node), node.GetName()
    scene.SetURL(str(folder / "scene.mrml"))
    assert scene.Commit()
    other.SetURL(str(folder / "scene.mrml"))
    assert other.Connect()


@pytest.mark.parametrize("save", [_as_bundle, _as_files], ids=["mrb", "mrml"])
def test_a_saved_scene_keeps_it_all(
    scene: Scene, reloaded: Scene, layout: Any, run_folder: Path, ct: sitk.Image, kidneys: sitk.Image,
    summary: dict[str, Any], tmp_path: Path, save: Save,
) -> None:  # fmt: skip
    noncontrast = node_from_image(scene, ct, "native")
    loaded = finish(load_result(scene, run_folder, noncontrast))
    shown = finish(difference(scene, loaded.synthetic, noncontrast, "difference"))()
    metrics_table(scene, summary, "metrics")
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "line")
    for point in ((-10.0, 0.0, 0.0), (10.0, 5.0, 3.0)):
        line.AddControlPoint(point)
    line_profile(scene, line, {"Synthetic": loaded.synthetic, "Native": noncontrast}, "profile")
    show_layout(scene, "side-by-side", [loaded.synthetic, noncontrast])
    (tmp_path / "saved").mkdir()
    save(scene, tmp_path / "saved", reloaded)

    native, synthetic = (reloaded.GetFirstNodeByName(node.GetName()) for node in (noncontrast, loaded.synthetic))
    expected = image_from_node(loaded.synthetic)
    image = image_from_node(synthetic)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(expected))
    corner = [size - 1 for size in ct.GetSize()]
    for index in ([0, 0, 0], corner):
        distance = np.subtract(image.TransformIndexToPhysicalPoint(index), ct.TransformIndexToPhysicalPoint(index))
        assert np.linalg.norm(distance) < 0.01
    assert run_summary(synthetic) == summary
    assert provenance(synthetic) == provenance(loaded.synthetic)
    assert synthetic.GetNodeReference("NephroSynth.Noncontrast") is native
    display = synthetic.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (400, 50)

    segmentation = reloaded.GetFirstNodeByName(loaded.kidneys.GetName())
    assert set(segment_ids(segmentation)) == {"right", "left"}
    labels = labels_from_segmentation(segmentation, native)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(kidneys))

    transform = reloaded.GetFirstNodeByName(loaded.transform.GetName())
    assert transform.GetTransformToParent().TransformPoint(0.0, 0.0, 0.0) == pytest.approx((1.0, 2.0, -10.0))

    again = reloaded.GetFirstNodeByName(shown.GetName())
    colours = again.GetDisplayNode().GetColorNode()
    assert colours.GetName() == "NephroSynth difference"
    assert colours.GetNumberOfColors() == 256
    ours = shown.GetDisplayNode().GetColorNode()
    for index in (0, 128, 255):
        table, other = (node.GetLookupTable().GetTableValue(index) for node in (colours, ours))
        assert table == pytest.approx(other, abs=0.01)
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(again).GetTitleText().startswith("Difference (HU)")

    table = reloaded.GetFirstNodeByName("metrics")
    assert table.GetCellText(1, 0) == "PSNR (dB)"
    assert "−1.2" in [table.GetCellText(row, 1) for row in range(table.GetNumberOfRows())]
    chart = reloaded.GetFirstNodeByName("profile")
    assert [chart.GetNthPlotSeriesNode(index).GetYColumnName() for index in range(2)] == ["Synthetic", "Native"]
    assert chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows() > 10

    assert [node.GetBackgroundVolumeID() for node in composites(reloaded)] == [synthetic.GetID(), native.GetID()]
