"""A scene as Slicer's, with its colours, on the real MRML of slicer-core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

slicer = pytest.importorskip("slicer")


@pytest.fixture
def application_logic() -> Iterator[object]:
    logic = slicer.vtkMRMLApplicationLogic()
    yield logic


@pytest.fixture
def scene() -> Iterator[object]:
    scene = slicer.vtkMRMLScene()
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    yield scene
    scene.Clear(True)
    colors.SetMRMLScene(None)


@pytest.fixture(autouse=True, scope="session")
def conversion_rules() -> None:
    """What the Segmentations module registers when Slicer starts."""
    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    factory.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())
    factory.RegisterConverterRule(slicer.vtkClosedSurfaceToBinaryLabelmapConversionRule())
