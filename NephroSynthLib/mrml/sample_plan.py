"""The plan of the sample exam: lets the worker simulate it, and loads its phases as three volumes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import slicer

from NephroSynthLib.mrml.dicom_database import DICOM_FOLDER
from NephroSynthLib.mrml.display import set_ct_window, show_volume
from NephroSynthLib.mrml.i18n import tr as _
from NephroSynthLib.mrml.views import fit_views
from NephroSynthLib.session.sample_exam import NAMES, SampleExam
from NephroSynthLib.session.steps import Step, Steps, load_modules
from NephroSynthLib.session.task import Plan


def sample_plan(scene: slicer.vtkMRMLScene, exam: SampleExam) -> Plan[dict[str, slicer.vtkMRMLScalarVolumeNode]]:
    """Plans the loading of the sample exam. The worker simulates it first if it is not in the cache.

    Args:
        scene: The scene that takes the volumes.
        exam: The exam.

    Returns:
        A plan whose result is the volumes by phase.
    """
    return Plan(
        command="" if exam.is_kept else "sample",
        write=partial(_arguments, exam),
        load=lambda folder, result: _load(scene, exam),
    )


def simulation_plan(exam: SampleExam) -> Plan[None]:
    """Plans the simulation of the sample exam, without loading it. Nothing is done if it is in the cache."""
    return Plan(
        command="" if exam.is_kept else "sample",
        write=partial(_arguments, exam),
        load=lambda folder, result: _load_nothing(),
    )


def _load_nothing() -> Steps[None]:
    return None
    yield


def _arguments(exam: SampleExam, folder: Path) -> Steps[dict[str, Any]]:
    return exam.arguments
    yield


def _load(scene: slicer.vtkMRMLScene, exam: SampleExam) -> Steps[dict[str, slicer.vtkMRMLScalarVolumeNode]]:
    yield from load_modules("NephroSynthLib.mrml.volume_nodes")
    from NephroSynthLib.mrml.volume_nodes import read_into

    nodes: dict[str, slicer.vtkMRMLScalarVolumeNode] = {}
    for index, (phase, name) in enumerate(NAMES.items()):
        yield Step(index / len(NAMES), _("Loading {name}").format(name=name))
        node = read_into(scene, exam.image(phase), name)
        node.SetAttribute(DICOM_FOLDER, str(exam.dicom(phase)))
        set_ct_window(node)
        nodes[phase] = node
    show_volume(scene, nodes["noncontrast"])
    fit_views(scene, nodes["noncontrast"])
    return nodes
