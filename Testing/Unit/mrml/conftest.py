"""A scene as Slicer's, with its colours, on the real MRML of slicer-core."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray


@pytest.fixture
def scene() -> Iterator[object]:
    import slicer

    scene = slicer.vtkMRMLScene()
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())  # as the Colors module does
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    yield scene
    scene.Clear(True)
    colors.SetMRMLScene(None)


@pytest.fixture(autouse=True, scope="session")
def conversion_rules() -> None:
    """Registers the conversions that the Segmentations module registers when Slicer starts."""
    import slicer

    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    factory.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())
    factory.RegisterConverterRule(slicer.vtkClosedSurfaceToBinaryLabelmapConversionRule())


@pytest.fixture
def ct() -> sitk.Image:
    """Soft tissue in air on an oblique grid, HU; the patient's right is at low LPS x."""
    values = np.full((20, 24, 40), -1000, np.float32)
    values[2:18, 3:21, 3:37] = 40 + np.random.default_rng(5).normal(0, 10, (16, 18, 34))
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((2.0, 2.5, 3.0))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.1, -0.05, 0.15)
    image.SetDirection(turn.GetMatrix())
    image.SetOrigin([-value for value in image.TransformContinuousIndexToPhysicalPoint((19.5, 11.5, 9.5))])
    return image


@pytest.fixture
def kidneys(ct: sitk.Image) -> sitk.Image:
    """Kidneys in `ct`: 1 right, 2 left."""
    values = np.zeros(ct.GetSize()[::-1], np.uint8)
    values[6:14, 8:14, 6:12] = 1
    values[5:13, 9:15, 28:34] = 2
    labels = sitk.GetImageFromArray(values)
    labels.CopyInformation(ct)
    return labels


@pytest.fixture
def synthetic(ct: sitk.Image, kidneys: sitk.Image) -> sitk.Image:
    """`ct` with the kidneys 120 HU brighter on the right and 100 HU on the left."""
    return ct + 120 * sitk.Cast(kidneys == 1, sitk.sitkFloat32) + 100 * sitk.Cast(kidneys == 2, sitk.sitkFloat32)


@pytest.fixture
def summary() -> dict[str, Any]:
    """What a run writes into `result.json`; it names a model and says something in another language."""
    similarity = {
        "psnr_db": 26.3, "ssim": 0.84, "ms_ssim": 0.93, "mae_hu": 12.7, "rmse_hu": 19.5, "bias_hu": -1.25, "ncc": 0.97,
        "voxels": 1000,
    }  # fmt: skip
    inside = {**similarity, "ms_ssim": None, "bias_hu": 3.5}
    shift = {"left": 1.5, "posterior": -0.5, "superior": 11.0, "norm": 11.1}
    return {
        "schema_version": 1,
        "notice": "Research use only.",
        "registration": {
            "mode": "two-stage",
            "ssim_before": 0.27,
            "ssim_affine": None,
            "ssim_after": 0.67,
            "gate": 0.65,
            "passed": True,
            "kidney_dice_before": {"right": 0.8},
            "kidney_dice_after": {"right": 0.94},
            "kidney_shift_mm": {"right": shift},
            "min_jacobian": 0.6,
            "reasons": ['Überlappung <gut> & "genug"; 0.67'],
        },
        "segmentation": {"noncontrast": {"right": 231.8}, "excretory": {"right": 228.8}},
        "synthesis": {"sampler": "dpm-solver++", "steps": 4, "samples": 2},
        "metrics": {
            "region": "around kidneys",
            "covered": 1.0,
            "around": {"window": similarity, "hu": similarity},
            "inside": {"window": inside, "hu": inside},
            "frechet_distance": 0.04,
            "kidneys": {"right": {"dice": 0.95}},
        },
        "timings_s": {"segment": 15.5},
        "peak_memory_mb": 1800.0,
        "model": {"synthesis": {"name": "nephrographic-synthesizer", "sha256": "ba7b"}},
        "settings": {"seed": 3},
        "versions": {"NephroSynth": "0.1.0"},
        "warnings": [],
    }


@pytest.fixture
def run_folder(
    tmp_path: Path, ct: sitk.Image, kidneys: sitk.Image, synthetic: sitk.Image, summary: dict[str, Any]
) -> Path:
    """The files of a run with several samples and without an acquired phase."""
    folder = tmp_path / "run"
    folder.mkdir()
    sitk.WriteImage(synthetic, str(folder / "synthetic_nephrographic.nii.gz"))
    sitk.WriteImage(ct + 3, str(folder / "excretory_registered.nii.gz"))
    sitk.WriteImage(kidneys, str(folder / "kidneys.nii.gz"))
    sitk.WriteImage(sitk.Cast(kidneys > 0, sitk.sitkFloat32) * 12, str(folder / "uncertainty.nii.gz"))
    sitk.WriteTransform(sitk.TranslationTransform(3, (1.0, 2.0, 10.0)), str(folder / "excretory_to_noncontrast.h5"))
    (folder / "result.json").write_text(json.dumps(summary), encoding="utf-8")
    return folder


@pytest.fixture
def layout(scene: Any) -> Iterator[Any]:
    """The layout node of a scene whose layout logic makes the nodes of the views, as a window's does."""
    import slicer

    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logic = slicer.vtkMRMLLayoutLogic()
    logic.SetMRMLScene(scene)
    node = logic.GetLayoutNode()
    node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    yield node
    logic.SetMRMLScene(None)


@pytest.fixture
def pair(scene: Any, ct: sitk.Image, synthetic: sitk.Image) -> tuple[Any, Any]:
    from NephroSynthLib.mrml.volume_nodes import node_from_image

    return node_from_image(scene, synthetic, "synthetic"), node_from_image(scene, ct, "acquired")


@pytest.fixture
def seen(scene: Any, layout: Any, kidneys: sitk.Image) -> Iterator[Callable[[], NDArray[Any]]]:
    """Gives the colour (red, green, blue; 0 to 255) of the middle of the right kidney in a slice view."""
    import slicer
    from kidney_nodes import segmentation_from_labels

    from NephroSynthLib.mrml.display import kidney_centre
    from NephroSynthLib.mrml.views import centre_on, composite

    node = scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    node.SetDimensions(64, 64, 1)
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceNode(node)
    logic.SetSliceCompositeNode(composite(scene, "Red"))
    segmentation = segmentation_from_labels(scene, kidneys, "kidneys", None)

    def colour() -> NDArray[Any]:
        centre_on(scene, kidney_centre(segmentation, "right"))
        logic.UpdatePipeline()
        logic.GetBlend().Update()
        return _colours(logic.GetBlend().GetOutput())[31:33, 31:33].reshape(-1, 4).mean(axis=0)[:3]

    yield colour
    logic.SetMRMLScene(None)


def _colours(image: Any) -> NDArray[Any]:
    from vtk.util import numpy_support

    columns, rows, _ = image.GetDimensions()
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1).astype(float)


@pytest.fixture
def segmentation(scene: Any, kidneys: sitk.Image) -> Any:
    from kidney_nodes import segmentation_from_labels

    return segmentation_from_labels(scene, kidneys, "kidneys", None)


@pytest.fixture
def columns_of() -> Callable[[Any], dict[str, list[Any]]]:
    """Gives the columns of a table node, by title."""

    def columns(node: Any) -> dict[str, list[Any]]:
        table = node.GetTable()
        arrays = [table.GetColumn(index) for index in range(table.GetNumberOfColumns())]
        return {one.GetName(): [one.GetValue(row) for row in range(one.GetNumberOfValues())] for one in arrays}

    return columns


@pytest.fixture
def four_volumes(scene: object, ct: sitk.Image) -> list[object]:
    """Volume nodes for the cells of a layout."""
    from NephroSynthLib.mrml.volume_nodes import node_from_image

    return [node_from_image(scene, ct, name) for name in ("non-contrast", "excretory", "synthetic", "acquired")]


@pytest.fixture
def compared(scene: object, ct: sitk.Image, synthetic: sitk.Image) -> dict[str, object]:
    """A synthetic and an acquired volume node, by title."""
    from NephroSynthLib.mrml.volume_nodes import node_from_image

    return {"Synthetic": node_from_image(scene, synthetic, "s"), "Acquired": node_from_image(scene, ct, "a")}
