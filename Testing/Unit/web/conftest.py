"""Results of a run on a small phantom with two kidneys, as files, and their page in a real headless browser.

One server and one browser serve all tests, which go through the page like a person does, in their order.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from viewed_page import PATIENCE_S, loaded, waited

from NephroSynthLib.cohort.exam_record import ExamRecord, write_record

SIMILARITY = {
    "psnr_db": 26.3, "ssim": 0.84, "ms_ssim": 0.93, "mae_hu": 12.7, "rmse_hu": 19.5, "bias_hu": -1.25, "ncc": 0.97,
    "voxels": 1000,
}  # fmt: skip
COMPARED = {"around": {"window": SIMILARITY, "hu": SIMILARITY}, "inside": None}
SUMMARY: dict[str, Any] = {
    "schema_version": 1,
    "notice": "Research use only.",
    "registration": {
        "mode": "dense",
        "ssim_before": 0.3,
        "ssim_affine": 0.5,
        "ssim_after": 0.8,
        "gate": 0.65,
        "passed": True,
        "kidney_dice_before": {"right": 0.7, "left": 0.7},
        "kidney_dice_after": {"right": 0.9, "left": 0.9},
        "kidney_shift_mm": {},
        "min_jacobian": 0.5,
        "reasons": ["SSIM around the kidneys is 0.80."],
    },
    "segmentation": {"noncontrast": {"right": 200.0}},
    "synthesis": {"region_start": [0, 0, 0], "region_size": [48, 40, 24], "samples": 2},
    "metrics": {
        "region": "around kidneys",
        "covered": 1.0,
        **COMPARED,
        "frechet_distance": 0.1,
        "kidneys": {},
        "references": {"excretory phase": COMPARED, "kinetic baseline": COMPARED},
    },
    "warnings": ["The delay is unknown; see /home/someone/exam/x.nii.gz."],
    "notes": ["A note."],
}


def image(kidney_hu: float, seed: int) -> sitk.Image:
    """Fat, muscle, a spine and two kidneys in air, HU."""
    values = np.full((24, 40, 48), -1000, np.float32)
    values[:, 2:38, 2:46] = -100 + np.random.default_rng(seed + 99).normal(0, 8, (24, 36, 44)).round()
    values[:, 4:36, 4:44] = 40 + np.random.default_rng(seed).normal(0, 8, (24, 32, 40)).round()
    values[:, 30:34, 22:26] = 400 + np.random.default_rng(seed).normal(0, 20, (24, 4, 4)).round()
    values[labels() > 0] = kidney_hu
    return _placed(values)


def labels() -> np.ndarray[Any, Any]:
    """The kidneys (z, y, x): 1 right, 2 left."""
    found = np.zeros((24, 40, 48), np.uint8)
    found[6:18, 16:26, 9:17], found[6:18, 16:26, 31:39] = 1, 2
    return found


def _placed(values: np.ndarray[Any, Any]) -> sitk.Image:
    placed = sitk.GetImageFromArray(values)
    placed.SetSpacing((4.0, 4.0, 5.0))
    placed.SetOrigin((-94.0, -78.0, -57.5))
    return placed


def write_result(folder: Path, acquired: bool = True, noncontrast: bool = True, **changes: Any) -> Path:
    """Writes the result folder of a run."""
    folder.mkdir(parents=True)
    phases = {"synthetic_nephrographic": 160.0, "excretory_registered": 90.0}
    phases |= {"acquired_registered": 170.0} if acquired else {}
    for seed, (name, hu) in enumerate(phases.items()):
        sitk.WriteImage(image(hu, seed), str(folder / f"{name}.nrrd"))
    if noncontrast:
        (folder / "exam").mkdir()
        sitk.WriteImage(image(30.0, 9), str(folder / "exam" / "noncontrast.nii.gz"))
    sitk.WriteImage(_placed(labels()), str(folder / "kidneys.nrrd"))
    sitk.WriteImage(_placed(np.where(labels() > 0, 20, 0).astype(np.float32)), str(folder / "uncertainty.nrrd"))
    sitk.WriteTransform(sitk.TranslationTransform(3), str(folder / "excretory_to_noncontrast.h5"))
    (folder / "report.html").write_text("<p>The report</p>")
    (folder / "result.json").write_text(json.dumps({**SUMMARY, **changes}), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with all phases; tests only read it."""
    return write_result(tmp_path_factory.mktemp("viewed") / "result")


@pytest.fixture(scope="session")
def cohort(result: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results, a failed exam and the page of a reader study."""
    folder = tmp_path_factory.mktemp("browser") / "cohort"
    for name in ("exam-1", "exam-2"):
        shutil.copytree(result, folder / "exams" / name)
    record = ExamRecord(exam="exam-3", status="failed", reason="The excretory phase is missing.")
    write_record(record, folder / "records" / "exam-3.json")
    (folder / "report.html").write_text("<p>The cohort</p>")
    (folder / "reading.html").write_text("<p>The study</p>")
    return folder


@pytest.fixture(scope="session")
def address(cohort: Path) -> Iterator[str]:
    """The link that the command prints; at its end the command ends by Ctrl-C."""
    command = [sys.executable, "-m", "NephroSynthLib.cli.start", "view", str(cohort), "--port", "0"]
    log = cohort.parent / "log.txt"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process:
        found = waited(lambda: re.search(r"http://\S+", log.read_text()) or process.poll())
        assert isinstance(found, re.Match), log.read_text()
        yield found.group(0)
        process.send_signal(2)
        assert process.wait(PATIENCE_S) in (0, 130)
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="session")
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page of a desktop after the first exam is loaded."""
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    page.hosts, page.faults = set(), []
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(address)
    loaded(page, "exam-1")
    yield page
    assert page.faults == []
