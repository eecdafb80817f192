"""The panel in the test host, and workers that behave badly."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "SlicerHost")]
from gui_exam import KIDNEYS_HU, MODULE, small_image, small_labels  # noqa: E402
from played_worker import command as played_command  # noqa: E402

MEASURED = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Shows the measurements, whether the tests passed or not."""
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(line)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line to show after all tests."""
    return request.config.stash.setdefault(MEASURED, []).append


@pytest.fixture(scope="module")
def application() -> Iterator[Any]:
    """One open host with the module's panel for the tests of a file: hosts of two files must not be open at once."""
    from slicer_host import Host

    pictured = bool(os.environ.get("NEPHROSYNTH_SCREENSHOTS"))
    with Host(size=(1920, 1080) if pictured else (1440, 900)) as host:
        host.widget = host.load_module(MODULE)
        yield host


@pytest.fixture
def host(application: Any) -> Iterator[Any]:
    """The host with an empty scene; an exception in a slot or an observer fails the test."""
    import slicer
    from NephroSynthPanel.qt_event_loop import worker_command

    slicer.mrmlScene.Clear(0)
    application.process_events()
    yield application
    application.widget.panel.end_work("")
    loop = application.widget.panel.loop
    loop.worker_command = worker_command
    vars(loop).pop("start_worker", None)
    application.process_events()


@pytest.fixture
def widget(host: Any) -> Any:
    """The module's widget, shown."""
    host.widget.panel.run.hide_error()
    host.widget.ui.logSection.collapsed = True
    host.widget.ui.inputsSection.collapsed = False
    host.process_events()
    return host.widget


@pytest.fixture
def exam_nodes(host: Any) -> dict[str, Any]:
    """Three small phases in the scene."""
    import slicer

    from NephroSynthLib.mrml.volume_nodes import node_from_image

    return {
        phase: node_from_image(slicer.mrmlScene, small_image(40.0, hu), phase.capitalize())
        for phase, hu in KIDNEYS_HU.items()
    }


@pytest.fixture
def ready(host: Any, widget: Any, exam_nodes: dict[str, Any]) -> Any:
    """The panel with the phases of an exam chosen."""
    for phase, node in exam_nodes.items():
        getattr(widget.ui, f"{phase}Selector").setCurrentNode(node)
    host.process_events()
    return widget


@pytest.fixture(scope="session")
def result_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a run on `exam_nodes` writes it."""
    import SimpleITK as sitk

    from NephroSynthLib.result import ModelSummary, Summary

    folder = tmp_path_factory.mktemp("result")
    images = {
        "synthetic_nephrographic": small_image(40.0, 145.0),
        "excretory_registered": small_image(40.0, 120.0),
        "acquired_registered": small_image(40.0, 150.0),
        "kidneys": small_labels(),
    }
    for name, image in images.items():
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
    sitk.WriteTransform(sitk.TranslationTransform(3, (0.0, 0.0, 5.0)), str(folder / "excretory_to_noncontrast.h5"))
    report = "<html><body>Simulated report. Research use only.</body></html>"
    (folder / "report.html").write_text(report, encoding="utf-8")
    similarity = dict.fromkeys(("psnr_db", "ssim", "ms_ssim", "mae_hu", "rmse_hu", "bias_hu", "ncc"), 0.9)
    shift = {"left": 1.0, "posterior": 0.0, "superior": 5.0, "norm": 5.1}
    summary = Summary(
        registration={
            "mode": "two-stage",
            "ssim_before": 0.4,
            "ssim_affine": 0.5,
            "ssim_after": 0.7,
            "gate": 0.65,
            "passed": True,
            "kidney_dice_before": {"right": 0.7, "left": 0.7},
            "kidney_dice_after": {"right": 0.9, "left": 0.9},
            "kidney_shift_mm": {"right": shift, "left": shift},
            "min_jacobian": 0.9,
            "reasons": ["SSIM around the kidneys is 0.70, enough for the gate of 0.65."],
        },
        segmentation={"noncontrast": {"right": 150.0, "left": 160.0}, "excretory": {"right": 150.0, "left": 160.0}},
        synthesis={"sampler": "dpm-solver++", "steps": 4, "samples": 1},
        metrics={
            "region": "around kidneys",
            "covered": 1.0,
            "around": {"window": similarity, "hu": similarity},
            "inside": {"window": similarity, "hu": similarity},
            "frechet_distance": 0.1,
            "references": {
                name: {"around": {"window": similarity, "hu": similarity}, "inside": None}
                for name in ("excretory phase", "kinetic baseline")
            },
            "kidneys": {
                side: {"dice": 0.9, "mean_surface_distance_mm": 1.0, "hausdorff95_mm": 3.0}
                for side in ("right", "left")
            },
        },
        timings_s={"segment": 1.0},
        peak_memory_mb=100.0,
        model={"synthesis": ModelSummary(name="test", sha256="0" * 64)},
        settings={"seed": 0},
        versions={"NephroSynth": "0"},
        notice="Research use only. Simulated.",
        warnings=(),
    )
    (folder / "result.json").write_text(summary.model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sample exam with the phases of `exam_nodes` and noise, as files and as DICOM."""
    import SimpleITK as sitk

    from NephroSynthLib.dicom.simulated_study import write_simulated_study

    folder = tmp_path_factory.mktemp("sample")
    noise = sitk.AdditiveGaussianNoiseImageFilter()  # the reader would take tissue of one value for padding
    noise.SetStandardDeviation(8.0)
    noise.SetSeed(1)
    images = {phase: noise.Execute(small_image(40.0, hu)) for phase, hu in KIDNEYS_HU.items()}
    for phase, image in images.items():
        sitk.WriteImage(image, str(folder / f"{phase}.nrrd"))
    write_simulated_study(images, folder / "dicom", seed=1)
    return folder


@pytest.fixture(scope="session")
def played_worker(
    result_folder: Path, sample_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, ...]:
    """The command line of a worker that simulates no exam and computes no run, but gives their files."""
    import SimpleITK as sitk

    folder = tmp_path_factory.mktemp("played") / "result"
    shutil.copytree(result_folder, folder)
    sitk.WriteImage(sitk.Cast(small_labels() > 0, sitk.sitkFloat32) * 12, str(folder / "uncertainty.nrrd"))
    return played_command(folder, sample_folder)
