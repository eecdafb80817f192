"""The reasons why an export cannot start, its folder, and the arguments of the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from NephroSynthLib.jobs.request import parse
from NephroSynthLib.jobs.result_export import ExportResultRequest
from NephroSynthLib.session.export_choice import DicomSource, ExportChoice, ExportProblem, free_folder


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"parent": "", "formats": {"nrrd"}}, ExportProblem.NO_FOLDER),
        ({"parent": "out", "formats": set()}, ExportProblem.NO_FORMAT),
        ({"parent": "out", "formats": {"dicom"}}, ExportProblem.NO_DICOM_SOURCE),
        ({"parent": "out", "formats": {"dicom"}, "noncontrast": DicomSource("in")}, None),
        ({"parent": "out", "formats": {"report"}}, None),
    ],
)
def test_the_first_problem_is_told(choice: dict[str, Any], problem: ExportProblem | None) -> None:
    assert ExportChoice(**{**choice, "formats": frozenset(choice["formats"])}).problem() is problem


@pytest.mark.parametrize("formats", [{"nrrd"}, {"nifti", "report"}, {"dicom"}, {"scene"}])
def test_the_worker_gets_the_choice(formats: set[str], tmp_path: Path) -> None:
    series = DicomSource("in", "1.2")
    choice = ExportChoice("out", frozenset(formats), series, DicomSource("late", ""), deidentify=True)
    arguments = choice.arguments(tmp_path, tmp_path / "out")
    parse(ExportResultRequest, arguments)
    assert set(arguments) == set(ExportResultRequest.model_fields)
    assert (arguments["nrrd"], arguments["nifti"]) == ("nrrd" in formats, "nifti" in formats)
    assert arguments["dicom_source"] == ("in" if "dicom" in formats else None)
    assert (arguments["dicom_series"], arguments["dicom_excretory_series"]) == ("1.2", None)
    assert choice.needs_images is not formats.isdisjoint({"nrrd", "nifti", "dicom"})


def test_a_folder_is_free_and_its_name_is_allowed_everywhere(tmp_path: Path) -> None:
    first = free_folder(tmp_path, 'CT: "late" <1>')
    assert first == tmp_path / "CT_ _late_ _1_"
    first.mkdir()
    second = free_folder(tmp_path, 'CT: "late" <1>')
    assert second.name == "CT_ _late_ _1_ 2"
    second.mkdir()
    assert free_folder(tmp_path, 'CT: "late" <1>').name == "CT_ _late_ _1_ 3"
    assert free_folder(tmp_path, "  ").name == "NephroSynth"
    assert free_folder(tmp_path, "Müller 3").name == "Müller 3"
