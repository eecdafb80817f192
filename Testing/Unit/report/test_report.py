from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image

from NephroSynthLib.evaluation import evaluate
from NephroSynthLib.exam.exam import Exam
from NephroSynthLib.imaging.grids import box_around, resample
from NephroSynthLib.kinetics.posterior import Observed, Told, estimate
from NephroSynthLib.methods.kinetic import kinetic_baseline
from NephroSynthLib.models.bundle import BundleMetadata, save_bundle
from NephroSynthLib.registration import Registration, RegistrationQuality
from NephroSynthLib.registration.quality import Shift
from NephroSynthLib.report.report import write_report
from NephroSynthLib.report.report_tables import model_table, training_table, without_paths
from NephroSynthLib.result import RESEARCH_ONLY, Acquired, Result
from NephroSynthLib.segmentation.segmenter import Segmentation, volumes_ml
from NephroSynthLib.settings import SegmentationSettings, Settings
from NephroSynthLib.synthesis.enhancement_estimate import EnhancementEstimate
from NephroSynthLib.synthesis.nephrographic import Synthesis

SIZE_LIMIT = 15_000_000


class Page(HTMLParser):
    """What a report holds: texts, attributes and tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._hidden = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._hidden:
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def without_data(self) -> str:
        return re.sub(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+", "", self.html)

    def pictures(self) -> list[np.ndarray]:
        sources = [value for name, value in self.attributes if name in ("src", "srcset")]
        assert all(source.startswith("data:image/png;base64,") for source in sources)
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1])))) for source in sources]


def registration(moving: sitk.Image, fixed: sitk.Image, *, passed: bool = True) -> Registration:
    quality = RegistrationQuality(
        ssim_before=0.4,
        ssim_affine=0.55,
        ssim_after=0.8 if passed else 0.5,
        gate=0.65,
        passed=passed,
        kidney_dice_before={"right": 0.7, "left": 0.6},
        kidney_dice_after={"right": 0.95, "left": 0.94},
        kidney_shift_mm={"right": Shift(1.0, -2.0, 9.0, 9.3), "left": Shift(0.0, 0.0, 0.0, 0.0)},
        min_jacobian=0.81,
        reasons=("SSIM around the kidneys reaches the gate.",),
    )
    identity = sitk.Transform(3, sitk.sitkIdentity)
    return Registration(identity, resample(moving, fixed), "two-stage", quality, ())


def make_result(drawn: SimpleNamespace, *, acquired: bool = True, uncertainty: bool = True) -> Result:
    kidneys, fixed = drawn.kidneys, drawn.noncontrast
    segmentation = Segmentation(kidneys, volumes_ml(kidneys), (), ("kidney-segmenter", "ab" * 32))
    excretory = registration(drawn.excretory, fixed)
    image = kinetic_baseline(fixed, excretory.registered)
    region = box_around(sitk.GetArrayViewFromImage(kidneys) > 0, kidneys.GetSpacing(), 25.0)
    judged = None
    if acquired:
        moved = registration(drawn.nephrographic, fixed)
        judged = Acquired(
            moved,
            evaluate(image, moved.registered, kidneys, synthetic_kidneys=kidneys, acquired_kidneys=kidneys),
        )
    observed = Observed(kidney=60.0, blood=41.0)
    return Result(
        exam=Exam(
            fixed,
            drawn.excretory,
            drawn.nephrographic if acquired else None,
            warnings=("The left kidney reaches the edge of the field of view.",),
            notes=("The excretory phase is series 4.",),
        ),
        segmentation=segmentation,
        excretory_segmentation=segmentation,
        registration=excretory,
        synthesis=Synthesis(
            image,
            sitk.Abs(image * 0.1) if uncertainty else None,
            region,
            EnhancementEstimate(observed, estimate(observed, Told())),
            ("a-synthesizer", "cd" * 32),
        ),
        acquired=judged,
        settings=Settings(seed=7),
        timings_s={"segment": 1.5, "synthesize": 2.25},
        peak_memory_mb=812.0,
        versions={"NephroSynth": "0.1.0", "torch": "2.13.0"},
    )


def render(result: Result, folder: Path) -> Page:
    path = folder / "report.html"
    write_report(result, path)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    assert path.stat().st_size < SIZE_LIMIT
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def full(drawn: SimpleNamespace) -> Result:
    return make_result(drawn)


@pytest.fixture(scope="module")
def full_page(full: Result, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return render(full, tmp_path_factory.mktemp("full"))


def test_a_full_report_shows_everything(full: Result, full_page: Page) -> None:
    for expected in (
        f"{RESEARCH_ONLY} Training: the model of the segmentation on exams that are not stated in its bundle",
        "The left kidney reaches the edge of the field of view.",
        "Acquired nephrographic",
        "Uncertainty",
        "Passed its gate",
        "0.700 → 0.950",
        "+1.0 / −2.0 / +9.0 (length 9.3)",
        "cd" * 8,
        "2.13.0",
        "seed",
        f"{full.acquired.metrics.around.window.psnr_db:.2f}",
        f"{full.acquired.metrics.inside.window.mae_hu:.2f}",
    ):
        assert expected in full_page.text
    pictures = full_page.pictures()
    assert len(pictures) == 6
    assert all(picture.ndim == 3 and picture.shape[1] > 1000 and picture.std() > 10 for picture in pictures)


def test_warnings_and_notice_come_before_every_picture(full_page: Page) -> None:
    html = full_page.html
    assert html.index(RESEARCH_ONLY) < html.index("1 warning") < html.index("<img")


def test_the_label_that_the_user_gave_names_the_exam(full: Result, tmp_path: Path) -> None:
    page = render(replace(full, exam=replace(full.exam, label="Study 12 <exam 3>")), tmp_path)
    assert "Study 12 <exam 3>" in page.texts
    assert "Study 12 &lt;exam 3&gt; · NephroSynth report" in page.html


def test_the_synthetic_phase_stands_beside_images_without_a_model(
    full: Result, full_page: Page, tmp_path: Path
) -> None:
    assert full.acquired is not None
    assert "images without a model" not in full_page.text
    excretory = evaluate(full.registration.registered, full.acquired.image, full.segmentation.labels, brief=True)
    acquired = replace(full.acquired, references={"excretory phase": excretory})
    page = render(replace(full, acquired=acquired), tmp_path)
    for figures in (full.acquired.metrics, excretory):
        assert f"{figures.around.window.psnr_db:.1f}" in page.texts
        assert f"{figures.inside.window.mae_hu:.1f}" in page.texts
    assert f"excretory phase: PSNR {excretory.around.window.psnr_db:.1f} dB" in page.text
    told = replace(full, acquired=acquired).summary().metrics
    assert told["references"]["excretory phase"]["around"] == excretory.to_dict()["around"]


def test_raw_keys_and_seeds_are_in_the_details(full_page: Page) -> None:
    shown, hidden = full_page.html.split("<details>")
    for raw in ("synthesis.steps", "cd" * 8, "Exams of the last training"):
        assert raw not in shown
        assert raw in hidden


def test_slices_of_each_phase_can_be_scrolled_and_the_synthetic_ones_are_marked(full_page: Page) -> None:
    data = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', full_page.html, re.DOTALL)
    slices = json.loads(data[0])
    assert slices["names"][slices["names"].index(slices["synthetic"])] == "Synthetic nephrographic"
    assert len(slices["names"]) == len(slices["pictures"]) == full_page.tags.count("canvas") == 4
    assert all(len(pictures) == slices["count"] for pictures in slices["pictures"])
    assert "name === stack.synthetic" in full_page.html
    assert full_page.tags.count("input") == 4


def test_nothing_is_loaded_from_outside(full_page: Page) -> None:
    assert not {"link", "iframe", "object", "embed"} & set(full_page.tags)
    assert "src" not in re.findall(r"<script([^>]*)>", full_page.html)
    assert not re.search(r"https?:|//|url\(|@import|file:", full_page.without_data)


def test_a_report_without_acquired_phase_mentions_none_and_no_identifier(
    drawn: SimpleNamespace, tmp_path: Path
) -> None:
    tagged = sitk.Image(drawn.noncontrast)
    tagged.SetMetaData("0010|0010", "Doe^Jane")
    warning = "The <b>model /data/Jane Doe/own.safetensors is new; C:\\Users\\doe\\x.nii was read."
    result = make_result(drawn, acquired=False, uncertainty=False)
    page = render(
        replace(
            result,
            exam=replace(result.exam, noncontrast=tagged, warnings=(warning,)),
            settings=Settings(segmentation=SegmentationSettings(model="/home/doe/secret/own.safetensors")),
        ),
        tmp_path,
    )
    assert "cquired nephrographic" not in page.text
    assert "PSNR" not in page.text
    assert "Uncertainty" not in page.texts
    assert len(page.pictures()) == 5
    assert "The <b>model own.safetensors is new; x.nii was read." in page.text
    assert "b" not in page.tags
    assert not re.search(r"doe|jane|secret|/home/|Users", page.without_data, re.IGNORECASE)
    assert str(tmp_path) not in page.without_data


def test_a_missed_gate_and_a_single_kidney_call_for_caution(drawn: SimpleNamespace, tmp_path: Path) -> None:
    left = sitk.Cast(drawn.kidneys == 2, sitk.sitkUInt8) * 2
    one = SimpleNamespace(**{**vars(drawn), "kidneys": left})
    result = make_result(one, acquired=False, uncertainty=False)
    missed = registration(drawn.excretory, drawn.noncontrast, passed=False)
    page = render(replace(result, registration=missed), tmp_path)
    assert "Below its gate: judge the alignment by eye" in page.text
    assert "Only the left kidney found" in page.text
    assert [value for name, value in page.attributes if name == "class"].count("verdict caution") == 2
    assert "Right cortex" not in page.text


def test_oblique_volumes_on_grids_of_their_own_are_shown_upright(
    drawn: SimpleNamespace, full_page: Page, tmp_path: Path
) -> None:
    tilt = sitk.Euler3DTransform((0.0, 5.0, 10.0), 0.15, -0.1, 0.2)
    grid = sitk.Image([100, 110, 60], sitk.sitkUInt8)
    grid.SetSpacing((2.3, 2.0, 3.0))
    grid.SetDirection(tilt.GetMatrix())
    centre = np.array(grid.TransformContinuousIndexToPhysicalPoint([50, 55, 30]))
    grid.SetOrigin((-centre).tolist())
    oblique = SimpleNamespace(
        noncontrast=resample(drawn.noncontrast, grid),
        excretory=drawn.excretory,
        nephrographic=drawn.nephrographic,
        kidneys=resample(drawn.kidneys, grid, label=True),
    )
    straight, tilted = full_page.pictures(), render(make_result(oblique), tmp_path).pictures()
    shapes = zip(straight, tilted, strict=True)
    assert all(abs(a.shape[0] / b.shape[0] - 1) < 0.25 and a.shape[1] == b.shape[1] for a, b in shapes)
    assert all(picture.std() > 10 for picture in tilted)


def test_a_model_that_can_be_read_shows_its_card_and_another_one_only_its_digest(tmp_path: Path) -> None:
    metadata = BundleMetadata(
        name="small", task="synthesis", method="dssnict", title="dsSNICT", configuration={}, window_hu=(-150, 250),
        normalization={}, training={"data": "12 simulated exams"}, results={}, licence="Apache-2.0",
    )  # fmt: skip
    path = tmp_path / "small.safetensors"
    digest = save_bundle(path, {"weight": torch.zeros(3)}, metadata)
    models = {"segmentation": {"name": "given", "sha256": ""}, "synthesis": {"name": "small", "sha256": digest}}
    chosen = {"segmentation": "no-such-model", "synthesis": str(path)}
    rows = model_table(models, chosen).rows
    assert rows[0] == ("Segmentation", "given", "–", "–", "–", "–")
    assert rows[1] == ("Synthesis", "small", "dsSNICT", "Simulated exams only", "Apache-2.0", digest[:16])
    assert training_table(models, chosen).rows == (("Synthesis", "", "12 simulated exams"),)
    other = {"synthesis": {"name": "small", "sha256": "0" * 64}}
    assert model_table(other, chosen).rows[0][2:] == ("–", "–", "–", "0" * 16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Read /data/Jane Doe/x.nii.gz.", "Read x.nii.gz."),
        ("Read /data/ab/x.nii.gz now", "Read x.nii.gz now"),
        (r"Read D:\ct\exam\1.dcm", "Read 1.dcm"),
        (r"Read \\server\share\x.nii", "Read x.nii"),
        ("shift L / P / S in mm", "shift L / P / S in mm"),
        ("SSIM 0.4/0.5, 3 mm/s", "SSIM 0.4/0.5, 3 mm/s"),
        ("kidney-segmenter", "kidney-segmenter"),
    ],
)
def test_paths_are_cut_to_file_names(text: str, expected: str) -> None:
    assert without_paths(text) == expected
