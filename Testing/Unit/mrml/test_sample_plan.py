"""The plan of the sample exam."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from steps_at_once import finish

from NephroSynthLib.mrml.dicom_database import DICOM_FOLDER
from NephroSynthLib.mrml.sample_plan import NAMES, sample_plan
from NephroSynthLib.mrml.volume_nodes import image_from_node
from NephroSynthLib.session.run_choice import INPUTS
from NephroSynthLib.session.sample_exam import PHASES, SampleExam

Scene = slicer.vtkMRMLScene


@pytest.fixture
def exam(ct: sitk.Image, tmp_path: Path) -> SampleExam:
    """An exam that is in the cache."""
    exam = SampleExam(tmp_path)
    exam.folder.mkdir()
    for index, phase in enumerate(PHASES):
        sitk.WriteImage(ct + 100 * index, str(exam.image(phase)))
    return exam


def test_phases_have_one_name_everywhere() -> None:
    assert tuple(NAMES) == PHASES == INPUTS


def test_an_exam_in_the_cache_is_loaded_without_a_worker(scene: Scene, exam: SampleExam, tmp_path: Path) -> None:
    plan = sample_plan(scene, exam)
    assert plan.command == ""
    nodes = finish(plan.load(tmp_path, {}))
    assert [node.GetName() for node in nodes.values()] == list(NAMES.values())
    for index, (phase, node) in enumerate(nodes.items()):
        assert node.GetAttribute(DICOM_FOLDER) == str(exam.dicom(phase))
        assert node.GetDisplayNode().GetWindow() == 400
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(exam.image(PHASES[index]))))
        np.testing.assert_allclose(sitk.GetArrayFromImage(image_from_node(node)), written, atol=1e-3)


def test_a_worker_simulates_an_exam_that_is_not_there(scene: Scene, exam: SampleExam, tmp_path: Path) -> None:
    exam.image("excretory").unlink()
    plan = sample_plan(scene, exam)
    assert plan.command == "sample"
    assert finish(plan.write(tmp_path)) == exam.arguments
