"""The phases of a simulated exam are found among loaded volumes, whatever their names."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
import slicer
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from steps_at_once import finish

from NephroSynthLib.errors import UsageError
from NephroSynthLib.jobs.simulated_files import SimulatedFiles
from NephroSynthLib.mrml.comparison import checkerboard
from NephroSynthLib.mrml.phase_search import find_phases
from NephroSynthLib.mrml.volume_nodes import node_from_image
from NephroSynthLib.progress import Progress
from NephroSynthLib.simulation import Grid

Scene = slicer.vtkMRMLScene


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sitk.Image]:
    folder = tmp_path_factory.mktemp("exam")
    grid = Grid((44, 104, 128), (3.0, 3.0, 5.0), (-190.5, -154.5, -107.5))
    SimulatedFiles.simulate(900_001, Progress(), grid).write_phases(folder, "nrrd", Progress())
    names = ("noncontrast", "excretory", "nephrographic")
    return {name: sitk.ReadImage(str(folder / f"{name}.nrrd")) for name in names}


def test_phases_are_found_by_their_images(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    nodes = {
        phase: node_from_image(scene, image, f"Volume {index}") for index, (phase, image) in enumerate(phases.items())
    }
    found = finish(find_phases([nodes["excretory"], nodes["nephrographic"], nodes["noncontrast"]]))
    assert found.noncontrast is nodes["noncontrast"]
    assert found.excretory is nodes["excretory"]
    assert found.nephrographic is nodes["nephrographic"]
    assert all("% likely" in reason for reason in found.reasons.values())
    assert "HU" in found.reasons["noncontrast"]


def header_file(path: Path, description: str, agent: str | None) -> Path:
    """Writes a DICOM file without pixels."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, generate_uid()
    header.SeriesDescription, header.ContrastBolusAgent = description, agent
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(path, enforce_file_format=True)
    return path


def test_headers_tell_more_than_names_and_not_all_need_one(
    scene: Scene, phases: dict[str, sitk.Image], tmp_path: Path
) -> None:
    """The headers alone decide between two volumes that hold the same image."""
    first, second, third = (
        node_from_image(scene, phases[phase], f"Volume {number}")
        for number, phase in enumerate(("noncontrast", "noncontrast", "excretory"))
    )
    late = header_file(tmp_path / "late.dcm", "Ausscheidungsphase", "agent")
    early = header_file(tmp_path / "early.dcm", "Nativphase", None)
    forward = finish(find_phases([first, second, third], [late, early, None]))
    assert forward.noncontrast is second
    backward = finish(find_phases([first, second, third], [early, late, None]))
    assert backward.noncontrast is first
    assert "the description says non-contrast" in backward.reasons["noncontrast"]
    assert backward.excretory is third


def test_no_text_quotes_the_name_of_a_volume(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    """Slicer names volumes by their series descriptions, which can name the patient."""
    names = {"noncontrast": "Doe nativ", "excretory": "Doe 10 min", "nephrographic": "Doe native"}
    search = find_phases([node_from_image(scene, phases[phase], name) for phase, name in names.items()])
    said = []
    while True:
        try:
            said.append(next(search).message)
        except StopIteration as end:
            found = end.value
            break
    said += [*found.reasons.values(), *found.warnings]
    assert found.nephrographic is not None
    assert "than in the excretory phase" in " ".join(said)
    assert not [text for text in said if "Doe" in text]


def test_what_nephrosynth_made_and_label_maps_are_left_out(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    first, second = (node_from_image(scene, phases[phase], phase) for phase in ("noncontrast", "excretory"))
    made = finish(checkerboard(scene, first, second, 8, "checkerboard"))()
    labels = node_from_image(scene, sitk.Cast(phases["noncontrast"] > 0, sitk.sitkUInt8), "labels", label=True)
    found = finish(find_phases([made, labels, second, first]))
    assert (found.noncontrast, found.excretory, found.nephrographic) == (first, second, None)


def test_a_volume_that_cannot_be_read_is_named_and_left_out(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    nodes = [node_from_image(scene, phases[phase], phase) for phase in ("noncontrast", "excretory")]
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
    found = finish(find_phases([*nodes, empty]))
    assert found.noncontrast is nodes[0]
    assert any("hollow" in warning for warning in found.warnings)


def test_one_volume_is_no_exam(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    node = node_from_image(scene, phases["excretory"], "only")
    with pytest.raises(UsageError, match="not among 1"):
        finish(find_phases([node]))


def test_the_search_goes_in_steps(scene: Scene, phases: dict[str, sitk.Image]) -> None:
    nodes = [node_from_image(scene, phases[phase], phase) for phase in ("noncontrast", "excretory")]
    fractions = [step.fraction for step in find_phases(nodes)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) >= 4
